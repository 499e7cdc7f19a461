// The ledger against what device and qdisc counted.
#include "user/analyze/held_counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

// 10 delivered, 2 of them past the qdisc; 3 that the qdisc did not take; 4 that it still has.
class HeldCounters : public testing::Test {
  protected:
    void SetUp() override {
        for (int i = 0; i < 8; i++) devices.add(made::delivered(), made::Names());
        Send bypass = made::delivered();
        bypass.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
        for (int i = 0; i < 2; i++) devices.add(bypass, made::Names());
        Send refused = made::delivered();
        refused.outcome = Outcome::failed;
        refused.end_stage = Stage::queue_xmit;
        for (int i = 0; i < 3; i++) devices.add(refused, made::Names());
        Send queued = made::delivered();
        queued.outcome = Outcome::queued;
        queued.end_stage = Stage::queue_xmit;
        for (int i = 0; i < 4; i++) devices.add(queued, made::Names());
        delta.ifname = "veth0";
        delta.tx_packets = 10;
        delta.qdisc = {
            .kind = "tbf", .packets = 8, .drops = 3, .requeues = 0, .overlimits = 0, .waited = 0, .waiting = 4};
    }
    HeldCounter held(std::string_view counter) const {
        for (const HeldCounter& one : hold_counters(ending, devices, delta))
            if (one.counter == counter) return one;
        ADD_FAILURE() << "no " << counter;
        return {};
    }

    Devices devices;
    DeviceDelta delta;
    Ending ending;
};

TEST_F(HeldCounters, AgreeWithALedgerThatIsRightAndThenHaveNoCause) {
    ASSERT_EQ(hold_counters(ending, devices, delta).size(), 4U);
    for (const HeldCounter& one : hold_counters(ending, devices, delta)) {
        EXPECT_EQ(one.counted, one.expected) << one.counter;
        EXPECT_EQ(one.cause, "") << one.counter;
    }
}

TEST_F(HeldCounters, OfAQdiscHaveNotWhatFiltersDroppedBeforeItOrItsDeviceTookNothingInFor) {
    Send filtered = made::dropped();
    filtered.end_stage = Stage::queue_xmit;
    filtered.record.drop_reason = 18;  // NETFILTER_DROP
    Send without_carrier = made::dropped();
    without_carrier.end_stage = Stage::queue_xmit;
    made::set(without_carrier.record.qdisc, "noop");
    for (const Send& send : {filtered, without_carrier}) devices.add(send, made::Names());
    EXPECT_EQ(held("drops").expected, 3U);
    EXPECT_EQ(held("drops").cause, "");
}

TEST_F(HeldCounters, OfAQdiscThatHasMoreNameTheSendsThatAreUnknown) {
    Send unknown = made::delivered();
    unknown.outcome = Outcome::unknown;
    for (int i = 0; i < 5; i++) devices.add(unknown, made::Names());
    delta.qdisc.waiting = 6;
    EXPECT_NE(held("waiting").cause.find("or among the 5 sends that are unknown here"), std::string::npos);
}

TEST_F(HeldCounters, ThatDifferSayTheLikelyCauseOfMoreAndOfFewer) {
    delta.qdisc.packets = 9;
    delta.qdisc.drops = 1;
    delta.qdisc.waiting = 0;
    EXPECT_NE(held("sent").cause.find("other senders"), std::string::npos);
    EXPECT_NE(held("drops").cause.find("egress"), std::string::npos);
    EXPECT_NE(held("waiting").cause.find("while tracing ended"), std::string::npos);
    EXPECT_EQ(held("sent").counted - held("sent").expected, 1U);
}

TEST_F(HeldCounters, OfADriverThatFreesAsDroppedWhatItCountsAsSentBlameNoOtherSender) {
    Send freed = made::delivered();
    freed.outcome = Outcome::dropped;
    freed.end_stage = Stage::start_xmit;
    freed.record.drop_in_driver = 1;
    for (int i = 0; i < 5; i++) devices.add(freed, made::Names());
    delta.tx_packets = 15;
    EXPECT_EQ(held("tx_packets").cause,
              "as many as its driver, or a device below it, freed as dropped: it counts them as sent");
    delta.tx_packets = 16;
    EXPECT_NE(held("tx_packets").cause.find("among the 5 sends that its driver"), std::string::npos);
    EXPECT_NE(held("tx_packets").cause.find("other senders"), std::string::npos);
    // With an error it did not take them.
    delta.tx_packets = 18;
    freed.record.driver_ret = 1;
    for (int i = 0; i < 5; i++) devices.add(freed, made::Names());
    EXPECT_NE(held("tx_packets").cause.find("among the 5 sends"), std::string::npos);
}

TEST_F(HeldCounters, SayOfSendsThatWereLeftOutOfTheRecordingThatTheyMayBeThose) {
    ending.ledger.decoded = 17 + 30;
    ending.ledger.left_out = 30;
    delta.tx_packets = 40;
    delta.qdisc.drops = 9;
    delta.qdisc.waiting = 9;
    for (const char* counter : {"tx_packets", "drops", "waiting"})
        EXPECT_NE(held(counter).cause.find("--outcome"), std::string::npos) << counter << held(counter).cause;
    // Live, the devices were told of them too.
    for (int i = 0; i < 30; i++) devices.add(made::failed(), made::Names());
    for (const char* counter : {"tx_packets", "drops", "waiting"})
        EXPECT_EQ(held(counter).cause.find("--outcome"), std::string::npos) << counter << held(counter).cause;
}

TEST_F(HeldCounters, OfFramesThatWaitedBeforeTheTraceSayThat) {
    delta.qdisc.waited = 5;
    delta.qdisc.packets = 13;
    EXPECT_NE(held("sent").cause.find("waited in it when tracing began"), std::string::npos);
}

TEST_F(HeldCounters, AreTheDevicesAloneWhereItsQdiscIsNotKnownOrCountsNothing) {
    for (const char* kind : {"", "noqueue"}) {
        delta.qdisc.kind = kind;
        EXPECT_EQ(hold_counters(ending, devices, delta).size(), 1U) << kind;
    }
}

// The driver of a tap whose queue is full, for one: the qdisc had counted the frame.
TEST_F(HeldCounters, OfAQdiscExpectWhatTheDriverBehindItDroppedToo) {
    Send behind = made::dropped();
    behind.end_stage = Stage::start_xmit;
    behind.record.drop_in_driver = 1;
    devices.add(behind, made::Names());
    behind.record.flags &= ~SR_SEND_DROP;
    behind.record.drop_in_driver = 0;
    behind.record.driver_drops = 1;
    devices.add(behind, made::Names());
    behind.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;  // past the qdisc
    devices.add(behind, made::Names());
    delta.qdisc.packets = 8 + 2;
    EXPECT_EQ(held("sent").expected, 8 + 2U);
    EXPECT_EQ(held("sent").what, "delivered through it or dropped behind it");
    EXPECT_EQ(held("sent").cause, "");
    EXPECT_EQ(held("drops").cause, "");
}

TEST_F(HeldCounters, OfANetemMayBeItsCopies) {
    delta.tx_packets = 12;
    delta.qdisc.packets = 10;
    for (const char* counter : {"tx_packets", "sent"})
        EXPECT_EQ(held(counter).cause.find("copies"), std::string::npos) << held(counter).cause;
    delta.qdisc.kind = "netem";
    for (const char* counter : {"tx_packets", "sent"})
        EXPECT_TRUE(held(counter).cause.starts_with("copies that the netem qdisc made (duplicate), or from other"))
            << held(counter).cause;
}

TEST_F(HeldCounters, NameIPv6OnlyWhereTheDeviceHasIt) {
    delta.tx_packets = 11;
    EXPECT_NE(held("tx_packets").cause.find("IPv6"), std::string::npos);
    delta.no_ipv6 = true;
    EXPECT_EQ(held("tx_packets").cause.find("IPv6"), std::string::npos);
    EXPECT_NE(held("tx_packets").cause.find("from other senders or the kernel itself"), std::string::npos);
}

TEST_F(HeldCounters, ThatHaveMoreByWhatWaitedBeforeSayThatItIsThat) {
    delta.qdisc.waited = 5;
    delta.qdisc.packets = 8 + 5;
    delta.qdisc.waiting = 4 + 5;
    for (const char* counter : {"sent", "waiting"})
        EXPECT_TRUE(held(counter).cause.starts_with("as many as waited in it when tracing began; else "))
            << held(counter).cause;
}

TEST_F(HeldCounters, OfDropsThatAreAsManyAsTheUnknownSendsSayThatItIsThose) {
    Send unknown = made::delivered();
    unknown.outcome = Outcome::unknown;
    for (int i = 0; i < 6; i++) devices.add(unknown, made::Names());
    delta.qdisc.drops = 3 + 6;
    EXPECT_TRUE(held("drops").cause.starts_with("as many as are unknown; else of other senders"));
}

TEST(Devices, CountToHowManyPacketSocketsFramesWereOffered) {
    Devices devices;
    devices.add(made::delivered(), made::Names());
    EXPECT_EQ(devices.offers().total(), 0U);
    Send send = made::followed();  // taken
    send.record.receivers = 6;     // two of them are not named
    send.also_received = {{801, 1, SR_RECEIVED_FULL, SR_STAGE_TPACKET_RCV},
                          {802, 1, SR_RECEIVED_FILTERED, SR_STAGE_PACKET_RCV},
                          {803, 1, SR_RECEIVED_UNKNOWN, SR_STAGE_PACKET_RCV}};
    devices.add(send, made::Names());
    devices.add(send, made::Names());
    EXPECT_EQ(devices.offers().taken, 2U);
    EXPECT_EQ(devices.offers().full, 2U);
    EXPECT_EQ(devices.offers().filtered, 2U);
    EXPECT_EQ(devices.offers().unknown, 6U);
    EXPECT_EQ(devices.offers().total(), 12U);
}

// Rather our own sends than other senders.
TEST_F(HeldCounters, ThatAreMoreByARowOfTheLedgerSayFirstThatItIsThat) {
    Send unknown = made::delivered();
    unknown.outcome = Outcome::unknown;
    for (int i = 0; i < 6; i++) devices.add(unknown, made::Names());
    const auto begins = [this](std::uint64_t more, const std::string& words) {
        delta.tx_packets = 10 + more;
        const std::string cause = held("tx_packets").cause;
        EXPECT_TRUE(cause.starts_with(words)) << cause;
    };
    begins(4, "as many as are queued; else from other senders");
    begins(6, "as many as are unknown; else from other senders");
    begins(3, "from other senders");  // failed: not counted
    begins(7, "from other senders");
}

TEST_F(HeldCounters, AreOfTheDevicesOwnNamespace) {
    delta.netns_ino = made::delivered().record.netns_ino + 1;
    EXPECT_EQ(held("tx_packets").expected, 0U);
}

}  // namespace
}  // namespace sockray
