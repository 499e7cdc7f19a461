// What a capture tells, and its ledger.
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>

#include <string>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "user/correlate/capture_teller.h"

namespace sockray {
namespace {

std::vector<std::byte> bytes_of(const std::vector<int>& values) {
    std::vector<std::byte> bytes;
    for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

std::uint16_t ethertype(std::uint16_t link_type, const std::vector<int>& values) {
    const auto bytes = bytes_of(values);
    const TapInterface interface { "x", 1, 1, link_type };
    return ethertype_of({&interface, bytes, static_cast<std::uint32_t>(bytes.size()), 0, false});
}

TEST(TapFrame, TellsItsEthertypeByItsBytes) {
    EXPECT_EQ(ethertype(1, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x08, 0x06}), ETH_P_ARP);
    EXPECT_EQ(ethertype(276, {0x86, 0xdd, 0, 0}), ETH_P_IPV6);
    EXPECT_EQ(ethertype(101, {0x45}), ETH_P_IP);
    EXPECT_EQ(ethertype(101, {0x60}), ETH_P_IPV6);
}

TEST(TapFrame, TellsNoEthertypeWhereThereIsNone) {
    EXPECT_EQ(ethertype(1, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x08}), 0) << "cut off";
    EXPECT_EQ(ethertype(1, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x00, 0x26}), 0) << "a length";
    EXPECT_EQ(ethertype(276, {}), 0);
    EXPECT_EQ(ethertype(101, {}), 0);
    EXPECT_EQ(ethertype(101, {0x10}), 0);
    EXPECT_EQ(ethertype(127, {8, 0, 8, 0}), 0) << "another link";
}

class Listener : public Sink {
  public:
    void frame(const TapFrame& frame) override { told += frame.outgoing ? '>' : '<'; }
    void end(const Ending& last) override { ending = last; }
    std::string told;
    Ending ending;
};

TEST(CaptureTeller, TellsAllInOrderAndItsLedgerBalances) {
    Listener listener;
    CaptureTeller teller({&listener}, {"veth0", 2, 7, 1}, 0);
    for (const bool outgoing : {true, false, false}) teller.frame({nullptr, {}, 60, 1, outgoing});
    CaptureLedger totals;
    totals.seen = 5;
    totals.dropped = 2;
    totals.freezes = 1;
    teller.set_totals(totals);
    teller.end({});
    EXPECT_EQ(listener.told, "><<");
    ASSERT_TRUE(listener.ending.capture);
    const CaptureLedger& ledger = *listener.ending.capture;
    EXPECT_EQ(ledger.interface.name, "veth0");
    EXPECT_EQ(ledger.received, 2U);
    EXPECT_EQ(ledger.sent, 1U);
    EXPECT_EQ(ledger.dropped, 2U);
    EXPECT_EQ(ledger.unread, 0U);
    EXPECT_TRUE(ledger.balances());
}

TEST(CaptureTeller, CountsWhatComesBehindTheLimit) {
    Listener listener;
    CaptureTeller teller({&listener}, {}, 2);
    for (int i = 0; i < 5; i++) teller.frame({nullptr, {}, 60, 1, false});
    EXPECT_TRUE(teller.limit_reached());
    CaptureLedger totals;
    totals.seen = 5;
    teller.set_totals(totals);
    teller.end({});
    EXPECT_EQ(listener.told, "<<");
    EXPECT_EQ(teller.ledger().beyond, 3U);
    EXPECT_TRUE(teller.ledger().balances());
}

TEST(CaptureTeller, NamesWhatTheKernelKept) {
    Listener listener;
    CaptureTeller teller({&listener}, {}, 0);
    CaptureLedger totals;
    totals.seen = 4;
    totals.dropped = 1;
    teller.set_totals(totals);
    teller.end({});
    EXPECT_EQ(teller.ledger().unread, 3U);
    EXPECT_TRUE(teller.ledger().balances());
}

// A capture whose sends are traced.
class TracedCapture : public testing::Test {
  protected:
    class Told : public Sink {
      public:
        void send(const Send& send) override { sends.push_back(send); }
        void frame(const TapFrame&) override { frames++; }
        void end(const Ending& last) override { ending = last; }
        std::vector<Send> sends;
        std::size_t frames = 0;
        Ending ending;
    };

    explicit TracedCapture(std::uint64_t most = 0, const TapInterface& interface = {"veth0", 2, 7, 1})
        : teller({&told}, interface, most) {
        teller.expect_sends();
        Origin origin;
        origin.realtime_offset_ns = 1000;
        teller.begin(origin, plan, names);
    }
    // The tap had 61 bytes, the kernel side 60.
    void frame(std::uint64_t realtime_ns) {
        const std::vector<std::byte> bytes(61, std::byte{1});
        teller.frame({nullptr, bytes, 61, realtime_ns, true});
    }
    void tapped(std::uint64_t send, std::uint64_t realtime_ns) {
        sr_frame record{};
        record.kind = SR_FRAME_TAPPED;
        record.send = send;
        record.ns = realtime_ns;
        teller.tapped(record);
    }
    static Send send_of(std::uint64_t id) {
        Send send = sample::send_of(sample::taken());
        send.record.id = id;
        send.outcome = Outcome::delivered;
        send.frame.bytes.assign(60, std::byte{2});
        send.frame.length = 60;
        return send;
    }
    const CaptureLedger& end(std::uint64_t seen, std::uint64_t dropped = 0) {
        CaptureLedger totals;
        totals.seen = seen;
        totals.dropped = dropped;
        teller.set_totals(totals);
        Ending ending;
        ending.ledger.decoded = told.sends.size();
        teller.end(ending);
        EXPECT_TRUE(teller.ledger().balances());
        return teller.ledger();
    }

    Told told;
    Plan plan;
    sample::Names names;
    CaptureTeller teller;
};

TEST_F(TracedCapture, TellsTheFrameOfASendOnceAsTheTapHadIt) {
    frame(5000);
    tapped(1, 5000);
    teller.send(send_of(1));
    EXPECT_EQ(end(1).sent, 1U);
    EXPECT_EQ(told.frames, 0U);
    ASSERT_EQ(told.sends.size(), 1U);
    EXPECT_EQ(told.sends[0].tapped, 1U);
    EXPECT_EQ(told.sends[0].frame.bytes.size(), 61U);
    EXPECT_EQ(told.sends[0].frame.ns, 4000U);
    EXPECT_EQ(told.ending.ledger.shown, 1U);
    EXPECT_EQ(teller.ledger().untapped, 0U);
}

// On any link whose header the tap has too, and not only on Ethernet.
class TracedTunnelCapture : public TracedCapture {
  protected:
    TracedTunnelCapture() : TracedCapture(0, {"tun0", 2, 7, linktype_raw}) {}
};

TEST_F(TracedTunnelCapture, TellsTheFrameOfASendAsTheTapHadIt) {
    for (const std::uint16_t dev_type : {std::uint16_t{ARPHRD_NONE}, std::uint16_t{ARPHRD_SIT}, std::uint16_t{0}}) {
        const std::uint64_t id = told.sends.size() + 1;
        frame(5000 + id);
        tapped(id, 5000 + id);
        Send send = send_of(id);
        send.frame.dev_type = dev_type;
        teller.send(send);
        ASSERT_EQ(told.sends.size(), id);
        EXPECT_EQ(told.sends.back().frame.bytes.size(), 61U);
        EXPECT_EQ(frame_link_type(told.sends.back().frame.dev_type), linktype_raw) << dev_type;
    }
    end(3);
}

class TracedCookedCapture : public TracedCapture {
  protected:
    TracedCookedCapture() : TracedCapture(0, {"any", 0, 7, linktype_linux_sll2}) {}
};

TEST_F(TracedCookedCapture, TellsTheBytesOfTheKernelSideWithTheHeaderThatTheTapLeftOut) {
    frame(5000);
    tapped(1, 5000);
    teller.send(send_of(1));
    end(1);
    ASSERT_EQ(told.sends.size(), 1U);
    EXPECT_EQ(told.sends[0].frame.bytes.size(), 60U);
    EXPECT_EQ(told.sends[0].frame.ns, 4000U);
}

TEST_F(TracedCapture, OfCertainSendsTellsTheirFramesAloneAndCountsTheOthers) {
    Told all;
    teller.select_sends(outcome_bit(Outcome::dropped), all);
    frame(5000);
    frame(6000);
    teller.frame({nullptr, {}, 60, 7000, false});
    tapped(1, 5000);
    tapped(2, 6000);
    teller.send(send_of(1));
    Send dropped = send_of(2);
    dropped.outcome = Outcome::dropped;
    teller.send(dropped);
    frame(8000);
    const CaptureLedger& ledger = end(4);
    EXPECT_EQ(ledger.sent, 1U);
    EXPECT_EQ(ledger.left_out, 3U);
    EXPECT_EQ(told.frames, 0U);
    ASSERT_EQ(told.sends.size(), 1U);
    EXPECT_EQ(told.sends[0].outcome, Outcome::dropped);
    EXPECT_EQ(told.ending.ledger.shown, 1U);
    EXPECT_EQ(told.ending.ledger.left_out, 1U);
    ASSERT_EQ(all.sends.size(), 1U) << "the one that was not asked for";
    EXPECT_EQ(all.sends[0].outcome, Outcome::delivered);
}

// Its frame is left out, since nothing says that it is this send's: the send has it from the kernel side.
TEST_F(TracedCapture, OfCertainSendsTellsTheFrameWhereTheTapsRecordWasLost) {
    teller.select_sends(all_outcomes, told);
    frame(5000);
    teller.send(send_of(1));
    const CaptureLedger& ledger = end(1);
    EXPECT_EQ(ledger.left_out, 1U);
    EXPECT_EQ(ledger.untapped, 1U);
    ASSERT_EQ(told.sends.size(), 1U);
    EXPECT_EQ(told.sends[0].frame.bytes.size(), 60U);
}

TEST_F(TracedCapture, TellsFramesPastTheTapsAsTheKernelSideHadThem) {
    Send past = send_of(1);
    past.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    past.frame.bypass = true;
    teller.send(past);
    const CaptureLedger& ledger = end(0);
    EXPECT_EQ(ledger.sent, 0U);
    EXPECT_EQ(ledger.untapped, 1U);
    ASSERT_EQ(told.sends.size(), 1U);
    EXPECT_EQ(told.sends[0].frame.bytes.size(), 60U);
}

TEST_F(TracedCapture, TellsFramesThatWereDroppedOnTheirWay) {
    Send dropped = send_of(1);
    dropped.outcome = Outcome::dropped;
    dropped.record.driver_hits = 0;
    teller.send(dropped);
    EXPECT_EQ(end(0).untapped, 1U);
    EXPECT_EQ(told.sends.at(0).frame.length, 60U);
}

TEST_F(TracedCapture, TellsFramesThatFoundNoRoom) {
    tapped(1, 5000);
    teller.send(send_of(1));
    const CaptureLedger& ledger = end(1, 1);
    EXPECT_EQ(ledger.dropped, 1U);
    EXPECT_EQ(ledger.untapped, 1U);
    EXPECT_EQ(told.sends.at(0).frame.length, 60U);
}

// A driver had it, so the taps had it before: nobody said so, and the frame is told alone.
TEST_F(TracedCapture, TellsNoFrameTwiceWhereTheTapsRecordWasLost) {
    frame(5000);
    teller.send(send_of(1));
    const CaptureLedger& ledger = end(1);
    EXPECT_EQ(ledger.sent, 1U);
    EXPECT_EQ(ledger.untapped, 0U);
    EXPECT_EQ(told.frames, 1U);
    EXPECT_EQ(told.sends.at(0).frame.length, 0U);
}

TEST_F(TracedCapture, TellsTheFrameOfASendThatWasLostAlone) {
    frame(5000);
    tapped(1, 5000);
    EXPECT_EQ(end(1).sent, 1U);
    EXPECT_EQ(told.frames, 1U);
}

// What a send makes comes twice there: it is told as the send's, and as it is received.
TEST_F(TracedCapture, OnLoopbackTellsWhatIsReceivedAndOfWhatLeavesTheFramesOfSendsAlone) {
    const std::vector<std::byte> bytes(60, std::byte{1});
    for (const std::uint64_t at : {5000U, 6000U}) {
        teller.frame({nullptr, bytes, 60, at, true, true});
        teller.frame({nullptr, bytes, 60, at + 1, false});
    }
    tapped(1, 5000);
    teller.send(send_of(1));
    const CaptureLedger& ledger = end(4);
    EXPECT_EQ(ledger.sent, 1U);
    EXPECT_EQ(ledger.received, 2U);
    EXPECT_EQ(ledger.left_out, 1U);
    EXPECT_EQ(told.frames, 2U);
    EXPECT_EQ(told.sends.at(0).tapped, 1U);
}

TEST_F(TracedCapture, OnLoopbackTellsTheFrameOfASendThoughTheTapsRecordWasLost) {
    const std::vector<std::byte> bytes(60, std::byte{1});
    teller.frame({nullptr, bytes, 60, 5000, true, true});
    Send send = send_of(1);
    send.record.ifindex = 1;
    teller.send(send);
    const CaptureLedger& ledger = end(1);
    EXPECT_EQ(ledger.left_out, 1U);
    EXPECT_EQ(ledger.untapped, 1U);
    EXPECT_EQ(told.sends.at(0).frame.length, 60U);
}

class AnyTracedCapture : public TracedCapture {
  protected:
    AnyTracedCapture() : TracedCapture(0, {"any", 0, 7, 276}) {}
};

// The taps have it with another header.
TEST_F(AnyTracedCapture, TellsTheFrameOfASendWithTheBytesOfTheKernelSideAndTheTimeOfTheTaps) {
    frame(5000);
    tapped(1, 5000);
    teller.send(send_of(1));
    EXPECT_EQ(end(1).sent, 1U);
    EXPECT_EQ(told.sends.at(0).tapped, 1U);
    EXPECT_EQ(told.sends[0].frame.bytes.size(), 60U);
    EXPECT_EQ(told.sends[0].frame.length, 60U);
    EXPECT_EQ(told.sends[0].frame.ns, 4000U);
}

class LimitedTracedCapture : public TracedCapture {
  protected:
    LimitedTracedCapture() : TracedCapture(2) {}
};

TEST_F(LimitedTracedCapture, EndsWithFramesOfEitherKind) {
    for (std::uint64_t id = 1; id <= 4; id++) {
        frame(5000 + id);
        tapped(id, 5000 + id);
        Send send = send_of(id);
        if (id == 1) send.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
        teller.send(send);
    }
    EXPECT_TRUE(teller.limit_reached());
    EXPECT_EQ(end(4).beyond, 2U);
    EXPECT_EQ(told.sends.size(), 2U);
    EXPECT_EQ(told.ending.ledger.shown, 2U);
}

TEST_F(LimitedTracedCapture, OfCertainSendsEndsWithSendsThoughTheyHaveNoFrames) {
    teller.select_sends(outcome_bit(Outcome::failed), told);
    for (std::uint64_t id = 1; id <= 3; id++) {
        Send refused = send_of(id);
        refused.outcome = Outcome::failed;
        refused.record.span[SR_SLOT_XMIT] = {};
        refused.record.driver_hits = 0;
        teller.send(refused);
    }
    EXPECT_TRUE(teller.limit_reached());
    end(0);
    EXPECT_EQ(told.sends.size(), 2U);
}

// More told than the kernel says it saw: that is no row, and the sums say so.
TEST(CaptureTeller, DoesNotBalanceWhereTheKernelSaysLess) {
    CaptureTeller teller({}, {}, 0);
    teller.frame({nullptr, {}, 60, 1, false});
    teller.end({});
    EXPECT_FALSE(teller.ledger().balances());
}

}  // namespace
}  // namespace sockray
