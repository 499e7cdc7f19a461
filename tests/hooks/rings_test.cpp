// What the hooks make of the ways in which a call on a TX ring ends, and of calls of several threads on one ring.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "tests/hooks/sent.h"

namespace sockray {
namespace {

using hooked::sends;

constexpr long timed_out = -110;
constexpr long interrupted = -512;  // ERESTARTSYS
constexpr long no_buffers = -105;

void allocate(int number) {
    hooks_alloc();
    hooks_alloc_done(number);
}

void hand_on(int number, int result = 0) {
    hooks_xmit(number, 0);
    if (!result) {
        hooks_driver(number);
        hooks_driver_done(0);
    }
    hooks_xmit_done(0, result);
}

// tpacket_snd sends the frame at the ring's head.
void frame(int number) {
    allocate(number);
    hand_on(number);
    hooks_ring_step();
}

class Rings : public ::testing::Test {
  protected:
    void SetUp() override { hooks_reset(); }
    void TearDown() override {
        EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted + hooks_counters()->ring_idle);
    }
};

// ---- the wait for the frames' ends

TEST_F(Rings, HaveNoSendInACallThatOnlyWaitsForEarlierFrames) {
    for (const int losing : {0, 1}) {
        for (const long told : {timed_out, interrupted}) {
            SCOPED_TRACE(std::to_string(losing) + " " + std::to_string(told));
            hooks_reset();
            hooks_ring(4, losing);
            hooks_sendmsg();
            frame(0);
            frame(1);
            frame(2);
            frame(3);
            hooks_sendmsg_done(240);
            ASSERT_EQ(sends().size(), 4U);
            hooks_sendmsg();
            hooks_sendmsg_done(told);
            EXPECT_EQ(sends().size(), 4U);
            EXPECT_EQ(hooks_counters()->ring_idle, 1U);
            EXPECT_EQ(hooks_counters()->ring_idle_timed_out, told == timed_out ? 1U : 0U);
            EXPECT_EQ(hooks_counters()->ring_idle_interrupted, told == interrupted ? 1U : 0U);
            EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted + 1);
        }
    }
}

// tpacket_snd: where nothing was sent yet, the allocation's error is the call's, and the frame stays in the ring.
TEST_F(Rings, FailTheFrameWhoseAllocationASignalInterrupts) {
    for (const std::uint32_t passed : {0U, 2U}) {
        SCOPED_TRACE(passed);
        hooks_reset();
        hooks_ring(4, 1);
        hooks_sendmsg();
        for (std::uint32_t i = 0; i < passed; i++) hooks_ring_step();
        allocate(-1);
        hooks_sendmsg_done(interrupted);
        ASSERT_EQ(sends().size(), passed + 1);
        for (std::uint32_t i = 0; i < passed; i++) EXPECT_TRUE(sends()[i].flags & SR_SEND_SKIPPED);
        EXPECT_EQ(sends().back().ret, interrupted);
        EXPECT_FALSE(sends().back().flags & (SR_SEND_SKIPPED | SR_SEND_WAIT_SIGNAL));
        EXPECT_EQ(hooks_counters()->ring_idle, 0U);
    }
}

TEST_F(Rings, TellOfTheLastFrameThatTheWaitForItWasCutShort) {
    hooks_ring(4, 1);
    hooks_sendmsg();
    frame(0);
    hooks_ring_step();  // malformed
    hooks_sendmsg_done(timed_out);
    ASSERT_EQ(sends().size(), 2U);
    EXPECT_EQ(sends()[0].ret, 60);
    EXPECT_FALSE(sends()[0].flags & SR_SEND_SKIPPED);
    EXPECT_TRUE(sends()[1].flags & SR_SEND_SKIPPED);
    EXPECT_TRUE(sends()[1].flags & SR_SEND_WAIT_TIMED_OUT);
    EXPECT_EQ(hooks_counters()->ring_idle, 0U);
}

// ---- frames of which no hook was hit

// Of which the head alone tells: as many sends as it moved by, all but one record each.
TEST_F(Rings, CountTheFramesThatNoHookSawAsSendsWithoutARecord) {
    for (int seen = 0; seen <= 4; seen++) {
        for (const bool losing : {false, true}) {
            SCOPED_TRACE(std::to_string(seen) + (losing ? " losing" : ""));
            hooks_reset();
            hooks_ring(8, losing);
            for (int step = 0; step < 6; step++) hooks_ring_step();  // so the head goes past the ring's end
            hooks_sendmsg();
            for (int i = 0; i < 4; i++) {
                if (i < seen)
                    frame(i);
                else
                    hooks_ring_step();
            }
            hooks_sendmsg_done(240);
            const unsigned told = losing ? 4 : std::max(seen, 1);
            EXPECT_EQ(sends().size(), told);
            EXPECT_EQ(hooks_counters()->sends_begun - hooks_counters()->sends_emitted, 4 - told);
            EXPECT_EQ(hooks_counters()->ring_idle, 0U);
        }
    }
    hooks_reset();
}

// The head stays at the one that was refused.
TEST_F(Rings, CountNoneBehindAFrameThatWasRefused) {
    hooks_ring(8, 0);
    hooks_sendmsg();
    frame(0);
    allocate(1);
    hand_on(1, 1);
    hooks_sendmsg_done(no_buffers);
    EXPECT_EQ(sends().size(), 2U);
}

// ---- several threads

// What the other one sent is not missing.
TEST_F(Rings, CountNoFrameThatAnotherThreadSentAsOneThatNoHookSaw) {
    hooks_ring(8, 0);
    hooks_thread(6);
    hooks_sendmsg();
    hooks_thread(7);
    hooks_sendmsg();
    for (const unsigned tid : {6U, 7U}) {
        hooks_thread(tid);
        frame(tid == 6 ? 0 : 2);
        frame(tid == 6 ? 1 : 3);
    }
    for (const unsigned tid : {6U, 7U}) {
        hooks_thread(tid);
        hooks_sendmsg_done(120);
    }
    EXPECT_EQ(sends().size(), 4U);
}

// Of two threads, the second waits in packet_sendmsg for the ring's lock, and finds the head further on.
TEST_F(Rings, TakeNoFrameOfAnotherThreadForOneThatWasPassedOver) {
    hooks_ring(8, 1);
    hooks_thread(6);
    hooks_sendmsg();
    hooks_thread(7);
    hooks_sendmsg();
    for (const unsigned tid : {6U, 7U}) {
        hooks_thread(tid);
        const int first = tid == 6 ? 0 : 2;
        frame(first);
        frame(first + 1);
    }
    for (const unsigned tid : {6U, 7U}) {
        hooks_thread(tid);
        hooks_sendmsg_done(120);
    }
    ASSERT_EQ(sends().size(), 4U);
    for (const sr_send& send : sends()) {
        EXPECT_FALSE(send.flags & SR_SEND_SKIPPED);
        EXPECT_EQ(send.ret, 60);
        EXPECT_LT(send.ring_frame, 2U);
    }
    // The head was elsewhere than where the second had left off at its entry, and at the return of the first.
    EXPECT_EQ(hooks_counters()->ring_overlapped, 2U);
}

// The first one's call came before the second's, which took its frames.
TEST_F(Rings, HaveNoSendInACallWhoseFramesAnotherThreadTook) {
    hooks_ring(8, 1);
    hooks_thread(6);
    hooks_sendmsg();
    hooks_thread(7);
    hooks_sendmsg();
    frame(0);
    frame(1);
    hooks_sendmsg_done(120);
    hooks_thread(6);
    hooks_sendmsg_done(0);
    EXPECT_EQ(sends().size(), 2U);
    EXPECT_EQ(hooks_counters()->ring_idle, 1U);
    EXPECT_EQ(hooks_counters()->ring_overlapped, 1U) << "it may have passed over others";
}

// Within the lock nobody else moves the head.
TEST_F(Rings, TellWhatWasPassedOverBetweenTwoFramesAlsoWhereAnotherThreadWaits) {
    hooks_ring(8, 1);
    hooks_thread(6);
    hooks_sendmsg();
    hooks_thread(7);
    hooks_sendmsg();
    hooks_thread(6);
    frame(0);
    hooks_ring_step();  // malformed
    frame(2);
    hooks_sendmsg_done(120);
    ASSERT_EQ(sends().size(), 3U);
    EXPECT_TRUE(sends()[1].flags & SR_SEND_SKIPPED);
    EXPECT_EQ(hooks_counters()->ring_overlapped, 0U);
    hooks_thread(7);
    hooks_sendmsg_done(0);
}

// Whose the whole turn of the ring is, nobody knows.
TEST_F(Rings, DoNotTakeAWholeTurnOfTheRingForTheirsWhereAnotherThreadIsThere) {
    hooks_ring(3, 1);
    hooks_thread(6);
    hooks_sendmsg();
    hooks_thread(7);
    hooks_sendmsg();
    for (int i = 0; i < 3; i++) frame(i);
    hooks_sendmsg_done(180);
    hooks_thread(6);
    hooks_sendmsg_done(0);
    EXPECT_EQ(sends().size(), 3U);
    EXPECT_EQ(hooks_counters()->ring_idle, 1U);
    EXPECT_EQ(hooks_counters()->ring_overlapped, 1U);
}

// A frame that was freed behind its allocation, and the head that another call moved: the error is given to one frame.
TEST_F(Rings, InventNoFrameForAnErrorWhereAnotherThreadMovedTheHead) {
    hooks_ring(8, 1);
    hooks_thread(6);
    hooks_sendmsg();
    allocate(0);
    hooks_freed(0, 5);
    hooks_thread(7);
    hooks_sendmsg();
    frame(1);
    hooks_sendmsg_done(60);
    hooks_thread(6);
    hooks_sendmsg_done(no_buffers);
    ASSERT_EQ(sends().size(), 2U);
    EXPECT_EQ(sends()[1].ret, no_buffers);
}

// So is one behind a call whose return was not seen, once that thread goes on or ends.
TEST_F(Rings, KnowThatACallIsAloneAgain) {
    for (const bool ends : {false, true}) {
        hooks_reset();
        hooks_ring(8, 1);
        hooks_thread(6);
        hooks_sendmsg();
        frame(0);
        if (ends) {
            hooks_thread_ends();
        } else {
            hooks_sendmsg();
            frame(1);
            hooks_sendmsg_done(60);
        }
        const std::size_t before = sends().size();
        hooks_thread(7);
        hooks_sendmsg();
        hooks_ring_step();  // malformed
        frame(4);
        hooks_sendmsg_done(60);
        ASSERT_EQ(sends().size(), before + 2);
        EXPECT_TRUE(sends()[before].flags & SR_SEND_SKIPPED);
        EXPECT_EQ(sends().back().ret, 60);
        EXPECT_EQ(hooks_counters()->ring_overlapped, 0U);
    }
}

}  // namespace
}  // namespace sockray
