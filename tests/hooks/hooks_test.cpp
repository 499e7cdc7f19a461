// What the hooks make of lost hits and of what no hook sees.
#include "tests/hooks/hooks.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace sockray {
namespace {

std::span<const sr_send> sends() {
    const sr_send* all = nullptr;
    const unsigned count = hooks_sends(&all);
    return {all, count};
}

// A step of a frame whose hook is skipped.
enum class Step { alloc, alloc_done, xmit, driver, driver_done, xmit_done, none };

constexpr Step every_step[] = {Step::alloc,  Step::alloc_done,  Step::xmit,
                               Step::driver, Step::driver_done, Step::xmit_done};

void frame(int number, bool bypass = false, Step skipped = Step::none) {
    if (skipped != Step::alloc) hooks_alloc();
    if (skipped != Step::alloc_done) hooks_alloc_done(number);
    if (skipped != Step::xmit) hooks_xmit(number, bypass);
    if (skipped != Step::driver) hooks_driver(number);
    if (skipped != Step::driver_done) hooks_driver_done(0);
    if (skipped != Step::xmit_done) hooks_xmit_done(bypass, 0);
}

// One call of tpacket_snd on a ring of so many frames, all of which are to be sent; `malformed` are passed over.
void ring_call(unsigned frames, std::uint32_t malformed, unsigned first = 0) {
    hooks_sendmsg();
    long sent = 0;
    for (unsigned i = 0; i < frames; i++) {
        const unsigned at = (first + i) % frames;
        if (!(malformed >> at & 1)) {
            frame(static_cast<int>(at));
            sent += 60;
        }
        hooks_ring_step();
    }
    hooks_sendmsg_done(sent);
}

class Hooks : public ::testing::Test {
  protected:
    void SetUp() override { hooks_reset(); }
    void TearDown() override { EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted); }
};

TEST_F(Hooks, MakeOneRecordOfASend) {
    hooks_sendmsg();
    frame(0);
    hooks_sendmsg_done(60);
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_EQ(sends()[0].ret, 60);
    EXPECT_EQ(sends()[0].driver_hits, 1U);
    EXPECT_STREQ(sends()[0].ifname, "eth0");
}

TEST_F(Hooks, MakeOneRecordOfASendWhicheverHookIsSkipped) {
    for (const Step skipped : every_step) {
        hooks_reset();
        hooks_sendmsg();
        frame(0, false, skipped);
        hooks_sendmsg_done(60);
        EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted);
        ASSERT_EQ(sends().size(), 1U) << static_cast<int>(skipped);
        EXPECT_EQ(sends()[0].ret, 60) << static_cast<int>(skipped);
    }
}

void send_as(unsigned tid) {
    hooks_thread(tid);
    hooks_sendmsg();
    frame(0);
    hooks_sendmsg_done(60);
}

TEST_F(Hooks, KeepThreadsApartWhoseNumbersMeet) {
    const unsigned first = 5;
    const unsigned second = first + hooks_seats();
    for (const unsigned tid : {first, second}) {
        hooks_thread(tid);
        hooks_sendmsg();
        hooks_alloc();
    }
    EXPECT_EQ(hooks_displaced(), 1U);
    for (const unsigned tid : {first, second}) {
        hooks_thread(tid);
        hooks_alloc_done(static_cast<int>(tid == second));
        hooks_sendmsg_done(tid == second ? 61 : 60);
    }
    ASSERT_EQ(sends().size(), 2U);
    EXPECT_EQ(sends()[0].tid, first);
    EXPECT_EQ(sends()[0].ret, 60);
    EXPECT_EQ(sends()[1].tid, second);
    EXPECT_EQ(sends()[1].ret, 61);
    // The displaced one stays where it is when the other's seat is free, and the number is forgotten with it.
    hooks_thread(first);
    hooks_thread_ends();
    send_as(second);
    EXPECT_EQ(hooks_displaced(), 1U);
    hooks_thread_ends();
    EXPECT_EQ(hooks_displaced(), 0U);
    EXPECT_EQ(hooks_counters()->sends_no_storage, 0U);
}

TEST_F(Hooks, GiveThreadsWhoseFirstSeatIsTheSameOtherOnes) {
    for (unsigned i = 0; i < 12; i++) send_as(5 + i * hooks_seats());
    EXPECT_EQ(hooks_displaced(), 11U);
    EXPECT_EQ(sends().size(), 12U);
    EXPECT_EQ(hooks_counters()->sends_no_storage, 0U);
}

// This machine's stand-in for the map has room for 64.
TEST_F(Hooks, CountTheSendsOfThreadsThatFindNoSeat) {
    for (unsigned tid = 1; tid <= 80; tid++) send_as(tid);
    EXPECT_EQ(sends().size(), 64U);
    EXPECT_EQ(hooks_counters()->sends_no_storage, 16U);
    EXPECT_EQ(hooks_counters()->sends_unopened, 16U);
}

TEST_F(Hooks, LeaveTheSeatOfAThreadThatSendsWhatNobodyAskedFor) {
    hooks_refuse(1);
    send_as(5);
    hooks_refuse(0);
    send_as(5 + hooks_seats());
    EXPECT_EQ(hooks_displaced(), 0U);
    ASSERT_EQ(sends().size(), 1U);
}

TEST_F(Hooks, ForgetWhatBelongedToAnEndedThread) {
    hooks_sendmsg();
    hooks_thread_ends();  // in the middle of it
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_EQ(sends()[0].flags & SR_SEND_RETURNED, 0U);
    send_as(5);
    ASSERT_EQ(sends().size(), 2U);
    EXPECT_EQ(sends()[1].ret, 60);
}

TEST_F(Hooks, FollowAThreadThatHasTheFirstOnesNumberSinceItsExec) {
    send_as(6);
    hooks_thread(5);
    hooks_thread_was(6);
    send_as(5);
    hooks_thread(6 + hooks_seats());
    hooks_sendmsg();
    hooks_sendmsg_done(60);
    EXPECT_EQ(hooks_displaced(), 0U) << "the old number's seat is free";
}

TEST_F(Hooks, TellAtTheEndOfSendsThatHaveNotReturned) {
    hooks_thread(7);
    hooks_sendmsg();
    hooks_thread(7 + hooks_seats());
    hooks_sendmsg();
    hooks_sweep();
    ASSERT_EQ(sends().size(), 2U);
    for (const sr_send& send : sends()) EXPECT_NE(send.flags & SR_SEND_SWEPT, 0U);
}

TEST_F(Hooks, MakeARecordOfEachFrameOfARing) {
    hooks_ring(6, 0);
    ring_call(6, 0);
    ASSERT_EQ(sends().size(), 6U);
    for (const sr_send& send : sends()) EXPECT_EQ(send.driver_hits, 1U);
}

// A hook that was skipped costs its own frame something, and no other frame anything.
TEST_F(Hooks, MakeARecordOfEachFrameOfARingWhicheverHookIsSkipped) {
    for (const Step skipped : every_step) {
        for (int which = 0; which < 6; which++) {
            SCOPED_TRACE(std::to_string(static_cast<int>(skipped)) + " of frame " + std::to_string(which));
            hooks_reset();
            hooks_ring(6, 0);
            hooks_sendmsg();
            for (int i = 0; i < 6; i++) {
                frame(i, false, i == which ? skipped : Step::none);
                hooks_ring_step();
            }
            hooks_sendmsg_done(360);
            EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted);
            ASSERT_EQ(sends().size(), 6U);
            for (int i = 0; i < 6; i++) {
                const sr_send& send = sends()[static_cast<std::size_t>(i)];
                EXPECT_EQ(send.ring_frame, static_cast<std::uint32_t>(i));
                if (i != which) {
                    EXPECT_EQ(send.driver_hits, 1U) << "frame " << i;
                }
            }
        }
    }
}

TEST_F(Hooks, FindEachFrameOfARingThatPACKET_LOSSPassesOver) {
    for (unsigned frames = 1; frames <= 7; frames++) {
        for (std::uint32_t malformed = 0; malformed < 1U << frames; malformed++) {
            SCOPED_TRACE(std::to_string(frames) + " frames, malformed " + std::to_string(malformed));
            hooks_reset();
            hooks_ring(frames, 1);
            ring_call(frames, malformed);
            EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted);
            ASSERT_EQ(sends().size(), frames);
            for (unsigned i = 0; i < frames; i++) {
                EXPECT_EQ(sends()[i].ring_frame, i);
                EXPECT_EQ((sends()[i].flags & SR_SEND_SKIPPED) != 0, (malformed >> i & 1) != 0) << "frame " << i;
                EXPECT_EQ(sends()[i].driver_hits, malformed >> i & 1 ? 0U : 1U) << "frame " << i;
            }
        }
    }
}

// Netfilter at the egress drops the frame before a xmit stage is reached: the call ends there, and the ring's head
// stays.
TEST_F(Hooks, DoNotTakeAFrameOfARingThatNetfilterDroppedForOneThatWasPassedOver) {
    constexpr long no_buffers = -105;
    for (unsigned frames = 1; frames <= 6; frames++) {
        for (std::uint32_t malformed = 0; malformed < 1U << (frames - 1); malformed++) {
            SCOPED_TRACE(std::to_string(frames) + " frames, malformed " + std::to_string(malformed));
            hooks_reset();
            hooks_ring(frames, 1);
            hooks_sendmsg();
            for (unsigned i = 0; i + 1 < frames; i++) {
                if (!(malformed >> i & 1)) frame(static_cast<int>(i));
                hooks_ring_step();
            }
            hooks_alloc();
            hooks_alloc_done(static_cast<int>(frames - 1));
            hooks_freed(static_cast<int>(frames - 1), 5);
            hooks_sendmsg_done(no_buffers);
            EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted);
            ASSERT_EQ(sends().size(), frames);
            for (unsigned i = 0; i + 1 < frames; i++)
                EXPECT_EQ((sends()[i].flags & SR_SEND_SKIPPED) != 0, (malformed >> i & 1) != 0) << "frame " << i;
            EXPECT_EQ(sends().back().ret, no_buffers);
            EXPECT_EQ(sends().back().alloc_hits, 1U);
            EXPECT_FALSE(sends().back().flags & SR_SEND_SKIPPED);
        }
    }
}

// One that was passed over behind its allocation is freed too, and the head moves on; a failed call is then another's.
TEST_F(Hooks, TellAFrameOfARingThatWasFreedAndPassedOverFromTheOneTheErrorIsOf) {
    constexpr long no_buffers = -105;
    hooks_ring(4, 1);
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(0);
    hooks_freed(0, 5);
    hooks_ring_step();
    hooks_alloc();
    hooks_alloc_done(-1);
    hooks_sendmsg_done(no_buffers);
    ASSERT_EQ(sends().size(), 2U);
    EXPECT_TRUE(sends()[0].flags & SR_SEND_SKIPPED);
    EXPECT_EQ(sends()[1].ret, no_buffers);
    EXPECT_FALSE(sends()[1].flags & SR_SEND_SKIPPED);
}

// A call that finds nothing is no send, and the next one begins where the ring stands.
TEST_F(Hooks, KnowARingWithoutAFrameFromOneThatWasPassedOver) {
    hooks_ring(5, 1);
    ring_call(5, 0b00110);
    hooks_sendmsg();
    hooks_sendmsg_done(0);
    EXPECT_EQ(sends().size(), 5U);
    EXPECT_EQ(hooks_counters()->ring_idle, 1U);
    EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted + 1);  // the idle call is no send
    hooks_reset();
}

// The wait for the frames' ends says nothing of any of them.
TEST_F(Hooks, KeepTheResultOfARingsFramesApartFromThatOfTheCallsWait) {
    hooks_ring(2, 0);
    hooks_sendmsg();
    for (int i = 0; i < 2; i++) {
        frame(i);
        hooks_ring_step();
    }
    hooks_sendmsg_done(-110);
    ASSERT_EQ(sends().size(), 2U);
    EXPECT_EQ(sends()[0].ret, 60);
    EXPECT_EQ(sends()[1].ret, 60);
    EXPECT_FALSE(sends()[0].flags & SR_SEND_WAIT_TIMED_OUT);
    EXPECT_TRUE(sends()[1].flags & SR_SEND_WAIT_TIMED_OUT);
}

// The queue took the first frame although it is congested: the error is that of the one behind it.
TEST_F(Hooks, GiveTheErrorOfARingToTheFrameThatHasIt) {
    hooks_ring(3, 0);
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(0);
    hooks_xmit(0, 0);
    hooks_xmit_done(0, 2);  // NET_XMIT_CN
    hooks_ring_step();
    hooks_sendmsg_done(-90);
    ASSERT_EQ(sends().size(), 2U);
    EXPECT_EQ(sends()[0].ret, 60);
    EXPECT_EQ(sends()[1].ret, -90);
}

// PACKET_QDISC_BYPASS goes past the queue of the VLAN, which has none, and not past that of the device below.
TEST_F(Hooks, DoNotTakeAFrameForDeliveredThatTheQueueBelowAVlanHas) {
    hooks_queue(1);
    hooks_device(0, 1);
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(0);
    hooks_xmit(0, 1);
    hooks_device(0, 0);
    hooks_xmit(0, 0);
    hooks_xmit_done(0, 0);
    hooks_xmit_done(1, 0);
    hooks_sendmsg_done(60);
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_EQ(sends()[0].driver_hits, 0U);
    EXPECT_TRUE(sends()[0].flags & SR_SEND_TRACKED);
    // In a softirq, later.
    hooks_given(0);
    hooks_taken(0, 0);
    const sr_frame* frames = nullptr;
    ASSERT_EQ(hooks_frames(&frames), 1U);
    EXPECT_EQ(frames[0].kind, static_cast<std::uint32_t>(SR_FRAME_TAKEN));
    EXPECT_EQ(frames[0].send, sends()[0].id);
}

}  // namespace
}  // namespace sockray
