// The ledger against what receiving packet sockets counted.
#include <gtest/gtest.h>

#include <string>

#include "user/analyze/held_counters.h"

namespace sockray {
namespace {

class HeldReceivers : public testing::Test {
  protected:
    HeldReceivers() { ending.receivers.emplace(); }
    HeldCounter held(std::string_view counter) const {
        for (const HeldCounter& one : hold_counters(ending, delta))
            if (one.counter == counter) return one;
        ADD_FAILURE() << "no " << counter;
        return {};
    }
    bool names(std::string_view counter, std::string_view cause) const {
        return held(counter).cause.find(cause) != std::string::npos;
    }

    Ending ending;
    ReceiverDelta delta{.socket_ino = 777,
                        .pid = 0,
                        .comm = "",
                        .taken = 12,
                        .full = 18,
                        .filtered = 5,
                        .unknown = 0,
                        .tp_packets = 30,
                        .tp_drops = 18,
                        .sk_drops = 18};
};

TEST_F(HeldReceivers, AgreeWhereTheSocketCountedWhatItTookAndHadNoRoomFor) {
    ASSERT_EQ(hold_counters(ending, delta).size(), 3U);
    for (const HeldCounter& one : hold_counters(ending, delta)) {
        EXPECT_EQ(one.counted, one.expected) << one.counter;
        EXPECT_EQ(one.cause, "") << one.counter;
    }
}

TEST_F(HeldReceivers, OfASocketWithARingHaveNoSkDropsAndOfOneThatIsGoneNothing) {
    delta.sk_drops.reset();
    EXPECT_EQ(hold_counters(ending, delta).size(), 2U);
    delta.gone = true;
    EXPECT_TRUE(hold_counters(ending, delta).empty());
}

TEST_F(HeldReceivers, ThatAreMoreAreOfOthersAndOfWhatTracingDidNotSee) {
    delta.tp_packets = 37;
    EXPECT_EQ(held("tp_packets").cause, "of others than the traced senders, or sent while tracing began or ended");
    ending.ledger.driven = 5;  // nobody else is traced, and all that was sent has ended
    EXPECT_EQ(held("tp_packets").cause, "of others than the traced senders");
    EXPECT_EQ(held("tp_drops").cause, "");
    ending.ledger.filtered = 4;
    EXPECT_TRUE(names("tp_packets", "or among the 4 that did not match the filter"));
    ending.ledger.sends.lost.no_room = 2;
    ending.ledger.frames.map_full = 1;
    EXPECT_TRUE(names("tp_packets", "or among the 3 sends and frames that tracing lost"));
    ending.receivers->unnamed = 6;
    EXPECT_TRUE(names("tp_packets", "or among 6 offers to more sockets than are named"));
    ending.ledger.uncounted = {Stage::alloc};
    EXPECT_FALSE(names("tp_packets", "skipped"));
    ending.ledger.uncounted = {Stage::tpacket_rcv};
    EXPECT_TRUE(names("tp_packets", "or at hits that the kernel skipped, which it does not count"));
    ending.ledger.skipped.emplace({StageHits{Stage::none, 3}, StageHits{Stage::alloc, 9}});
    EXPECT_TRUE(names("tp_packets", "or among 3 hits that the kernel skipped at hooks of several stages"));
    ending.ledger.skipped.emplace({StageHits{Stage::packet_rcv, 1}, StageHits{Stage::none, 3}});
    EXPECT_TRUE(names("tp_packets", "or at 1 hit that the kernel skipped"));
}

TEST_F(HeldReceivers, ThatAreMoreByThoseOfWhichItIsNotKnownSayThatItIsThose) {
    delta.unknown = 2;
    delta.tp_packets = 32;
    EXPECT_TRUE(held("tp_packets").cause.starts_with("as many as were offered to it while other frames were"));
    delta.tp_packets = 33;
    EXPECT_TRUE(held("tp_packets").cause.starts_with("among the 2 frames that were offered to it while others were"));
}

TEST_F(HeldReceivers, OfATapMayBeItsCopies) {
    delta.tap = true;
    delta.tp_packets = 60;
    EXPECT_TRUE(held("tp_packets").cause.starts_with("as many as came to it: as a tap it gets a copy of each"));
    delta.tp_packets = 61;
    EXPECT_TRUE(
        held("tp_packets").cause.starts_with("copies of frames on their way out, which it gets as a tap, or of"));
}

TEST_F(HeldReceivers, ThatAreFewerWereReadByTheirOwnerWhichIsSureWhereSomethingShowsIt) {
    delta.tp_packets = 8;
    EXPECT_TRUE(names("tp_packets", "its owner may have read them meanwhile (PACKET_STATISTICS)"));
    delta.tp_drops = 8;  // and sk_drops, which nobody sets back, has more
    EXPECT_TRUE(names("tp_packets", "its owner read them meanwhile"));
    EXPECT_TRUE(names("tp_drops", "its owner read them meanwhile"));
    EXPECT_EQ(held("sk_drops").cause, "");
    delta.sk_drops.reset();
    EXPECT_TRUE(names("tp_drops", "may have read"));
    delta.reset = true;
    EXPECT_TRUE(names("tp_drops", "its owner read them meanwhile"));
    delta.tp_packets = 31;
    EXPECT_EQ(held("tp_packets").cause,
              "of others than the traced senders, or sent while tracing began or ended; and it has those alone that "
              "came since its owner last read them");
}

}  // namespace
}  // namespace sockray
