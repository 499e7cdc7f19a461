// What sends say of the packet sockets that they came to, beside what these counted.
#include "user/correlate/receiver_offers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>

#include <cstring>
#include <utility>
#include <vector>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

constexpr std::uint32_t own_pid = 9;

sr_socket_entry entry(std::uint64_t ino, std::uint32_t tp_packets, std::uint32_t tp_drops = 0,
                      std::uint32_t sk_drops = 0) {
    sr_socket_entry entry{};
    entry.ino = ino;
    entry.sk = ino * 16;
    entry.pid = 191;
    std::strcpy(entry.comm, "tcpdump");
    entry.tp_packets = tp_packets;
    entry.tp_drops = tp_drops;
    entry.sk_drops = sk_drops;
    return entry;
}

Send offered(std::uint64_t ino, std::uint32_t received, std::uint64_t ns = 100) {
    Send send = made::delivered();
    send.record.receivers = 1;
    send.record.received_ino = ino;
    send.record.received = received;
    send.record.stage[SR_SLOT_RECEIVE] = SR_STAGE_PACKET_RCV;
    send.record.span[SR_SLOT_RECEIVE] = {ns, ns};
    return send;
}

class ReceiverOffersTest : public testing::Test {
  protected:
    // 5 taken, 3 without room, 2 not wanted, 1 unknown.
    void offer(std::uint64_t ino) {
        const std::pair<std::uint32_t, int> all[] = {
            {SR_RECEIVED_TAKEN, 5}, {SR_RECEIVED_FULL, 3}, {SR_RECEIVED_FILTERED, 2}, {SR_RECEIVED_UNKNOWN, 1}};
        for (const auto& [received, count] : all)
            for (int i = 0; i < count; i++) offers.add(offered(ino, received));
    }
    ReceiverDelta between(const std::vector<sr_socket_entry>& before, const std::vector<sr_socket_entry>& after) {
        offers.begin(before, own_pid);
        offer(777);
        offers.end(after);
        const ReceiverCounters counters = offers.counters();
        EXPECT_EQ(counters.sockets.size(), 1U);
        return counters.sockets.empty() ? ReceiverDelta{} : counters.sockets[0];
    }

    ReceiverOffers offers;
};

TEST_F(ReceiverOffersTest, StandBesideTheGrowthOfTheCountersOfThatSocketAlone) {
    const ReceiverDelta delta = between({entry(776, 1), entry(777, 100, 10, 30), entry(777, 100, 10, 30)},
                                        {entry(777, 108, 13, 33), entry(776, 50)});
    EXPECT_EQ(delta.socket_ino, 777U);
    EXPECT_EQ(delta.pid, 191U);
    EXPECT_EQ(delta.comm, "tcpdump");
    EXPECT_EQ(delta.taken, 5U);
    EXPECT_EQ(delta.full, 3U);
    EXPECT_EQ(delta.filtered, 2U);
    EXPECT_EQ(delta.unknown, 1U);
    EXPECT_EQ(delta.tp_packets, 8U);
    EXPECT_EQ(delta.tp_drops, 3U);
    EXPECT_EQ(delta.sk_drops, 3U);
    EXPECT_FALSE(delta.opened || delta.gone || delta.reset || delta.tap);
}

TEST_F(ReceiverOffersTest, OfCountersThatWentBackAreBesideWhatCameSinceTheirOwnerAskedForThem) {
    const ReceiverDelta delta = between({entry(777, 100, 10, 30)}, {entry(777, 4, 2, 33)});
    EXPECT_TRUE(delta.reset);
    EXPECT_EQ(delta.tp_packets, 4U);
    EXPECT_EQ(delta.tp_drops, 2U);
    EXPECT_EQ(delta.sk_drops, 3U);
}

TEST_F(ReceiverOffersTest, OfCountersThatWentRoundTheir32BitsAreNoReset) {
    const ReceiverDelta delta = between({entry(777, 0xfffffffc, 0xfffffffe, 0xffffffff)}, {entry(777, 4, 1, 2)});
    EXPECT_FALSE(delta.reset);
    EXPECT_EQ(delta.tp_packets, 8U);
    EXPECT_EQ(delta.tp_drops, 3U);
    EXPECT_EQ(delta.sk_drops, 3U);
}

TEST_F(ReceiverOffersTest, OfASocketThatCameMeanwhileAreBesideAllThatItCounted) {
    EXPECT_TRUE(between({}, {entry(777, 8, 3)}).opened);
    ReceiverOffers again;
    sr_socket_entry other = entry(777, 100);  // whose inode's number the new one has
    other.sk++;
    again.begin(std::vector{other}, own_pid);
    again.add(offered(777, SR_RECEIVED_TAKEN));
    again.end(std::vector{entry(777, 1)});
    const ReceiverDelta delta = again.counters().sockets.at(0);
    EXPECT_TRUE(delta.opened);
    EXPECT_FALSE(delta.reset);
    EXPECT_EQ(delta.tp_packets, 1U);
}

TEST_F(ReceiverOffersTest, OfASocketThatWentHaveNoCountersAndItsOwnersName) {
    const ReceiverDelta delta = between({entry(777, 100)}, {});
    EXPECT_TRUE(delta.gone);
    EXPECT_EQ(delta.comm, "tcpdump");
    EXPECT_EQ(delta.taken, 5U);
    EXPECT_EQ(delta.tp_packets, 0U);
}

TEST_F(ReceiverOffersTest, OfASocketWithARingKnowNoSkDrops) {
    sr_socket_entry before = entry(777, 0), after = entry(777, 8, 3);
    before.rx_ring.block_nr = after.rx_ring.block_nr = 1;
    EXPECT_EQ(between({before}, {after}).sk_drops, std::nullopt);
}

TEST_F(ReceiverOffersTest, KnowWhoGetsCopiesOfTheFramesOnTheirWayOut) {
    const Send send = offered(777, SR_RECEIVED_TAKEN);
    const auto is_tap = [&](const sr_socket_entry& now) {
        ReceiverOffers some;
        some.add(send);
        some.end(std::vector{now});
        return some.counters().sockets.at(0).tap;
    };
    sr_socket_entry socket = entry(777, 1);
    EXPECT_FALSE(is_tap(socket));
    socket.protocol = htons(ETH_P_ALL);
    socket.netns_ino = send.record.netns_ino;
    EXPECT_TRUE(is_tap(socket));  // on all interfaces
    socket.netns_ino++;           // of another namespace, as at the other end of a veth
    EXPECT_FALSE(is_tap(socket));
    socket.netns_ino = send.record.netns_ino;
    socket.ifindex = send.record.ifindex;
    EXPECT_TRUE(is_tap(socket));
    socket.flags = SR_PACKET_IGNORE_OUTGOING;
    EXPECT_FALSE(is_tap(socket));
    socket.flags = 0;
    socket.ifindex++;  // that of a veth at the other end
    EXPECT_FALSE(is_tap(socket));
}

TEST_F(ReceiverOffersTest, ToSocketsOfSockrayItselfAreCountedApart) {
    sr_socket_entry own = entry(777, 1);
    own.pid = own_pid;
    offers.begin(std::vector{own}, own_pid);
    offers.add(offered(777, SR_RECEIVED_TAKEN));
    offers.end({});
    EXPECT_TRUE(offers.any());
    EXPECT_TRUE(offers.counters().sockets.empty());
    EXPECT_EQ(offers.counters().own, 1U);
}

TEST_F(ReceiverOffersTest, ToSocketsThatAreNotKnownOrTooManyAreCounted) {
    EXPECT_FALSE(offers.any());
    offers.begin({}, own_pid);
    for (std::uint64_t ino = 1; ino <= ReceiverOffers::kept + 1; ino++) offers.add(offered(ino, SR_RECEIVED_TAKEN));
    offers.add(offered(0, SR_RECEIVED_TAKEN));
    Send more = offered(1, SR_RECEIVED_TAKEN);
    more.record.receivers = 4;
    offers.add(more);
    offers.end({});
    EXPECT_EQ(offers.counters().unnamed, 1U + 1U + 3U);
    EXPECT_EQ(offers.counters().sockets.size(), ReceiverOffers::kept);
    EXPECT_EQ(offers.counters().sockets[0].taken, 2U);
}

}  // namespace
}  // namespace sockray
