// What the hooks make of the frames of one call on a TX ring: seen, skipped, passed over.
#include <gtest/gtest.h>
#include <linux/if_packet.h>

#include <cstdint>
#include <string>

#include "tests/hooks/sent.h"

namespace sockray {
namespace {

using namespace hooked;

TEST_F(Hooks, MakeARecordOfEachFrameOfARing) {
    hooks_ring(6, 0);
    ring_call(6, 0);
    ASSERT_EQ(sends().size(), 6U);
    for (const sr_send& send : sends()) EXPECT_EQ(send.driver_hits, 1U);
}

std::uint64_t begins(const sr_send& send, std::uint32_t slot) {
    return send.span[SR_PLACE(slot)].start;
}

// A hook that was skipped costs its own frame something, and no other frame anything.
TEST_F(Hooks, MakeARecordOfEachFrameOfARingWhicheverHookIsSkipped) {
    for (const int losing : {0, 1}) {
        for (const Step skipped : every_step) {
            for (int which = 0; which < 6; which++) {
                SCOPED_TRACE(std::to_string(static_cast<int>(skipped)) + " of frame " + std::to_string(which) +
                             (losing ? ", PACKET_LOSS" : ""));
                hooks_reset();
                hooks_ring(6, losing);
                hooks_sendmsg();
                for (int i = 0; i < 6; i++) {
                    frame(i, false, i == which ? skipped : Step::none);
                    hooks_ring_step();
                }
                hooks_sendmsg_done(360);
                EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted);
                ASSERT_EQ(sends().size(), 6U);
                for (int i = 0; i < 6; i++) {
                    const sr_send send = sends()[static_cast<std::size_t>(i)];
                    EXPECT_EQ(send.ring_frame, static_cast<std::uint32_t>(i));
                    EXPECT_FALSE(send.flags & SR_SEND_SKIPPED) << "frame " << i;
                    if (i == which) continue;
                    EXPECT_EQ(send.driver_hits, 1U) << "frame " << i;
                    EXPECT_EQ(send.alloc_hits, 1U) << "frame " << i;
                    EXPECT_LT(begins(send, SR_SLOT_ALLOC), begins(send, SR_SLOT_XMIT)) << "frame " << i;
                }
            }
        }
    }
}

// The kernel takes a frame whose status is this and nothing else (packet_lookup_frame).
TEST_F(Hooks, KnowAFrameOfARingThatIsNotToBeSentByAnyBitBesides) {
    hooks_ring(4, 1);
    hooks_ring_status(TP_STATUS_SEND_REQUEST | TP_STATUS_TS_SOFTWARE);
    hooks_sendmsg();
    hooks_sendmsg_done(0);
    EXPECT_TRUE(sends().empty());
    EXPECT_EQ(hooks_counters()->ring_idle, 1U);
    hooks_reset();
}

// Another thread's setsockopt: the call is refused, and no frame was passed over.
TEST_F(Hooks, CountNoFrameOfARingThatIsTakenAwayWhileTheCallWaitsForIt) {
    constexpr long busy = -16;
    for (const int losing : {0, 1}) {
        hooks_reset();
        hooks_ring(6, losing);
        for (int i = 0; i < 3; i++) hooks_ring_step();
        hooks_sendmsg();
        hooks_ring_taken_away();
        hooks_sendmsg_done(busy);
        ASSERT_EQ(sends().size(), 1U);
        EXPECT_EQ(sends()[0].ret, busy);
        EXPECT_EQ(hooks_counters()->sends_begun, 1U);
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

// Its head stays where it is whatever becomes of the frame.
TEST_F(Hooks, TellTheFrameOfARingOfOneThatWasFreedAndPassedOver) {
    hooks_ring(1, 1);
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(0);
    hooks_freed(0, 5);
    hooks_ring_step();
    hooks_sendmsg_done(0);
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_TRUE(sends()[0].flags & SR_SEND_SKIPPED);
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

// Where it is what the kernel keeps of the frame until its end that the skb refers to.
TEST_F(Hooks, FindAFrameOfARingWhoseAllocationWasSkippedByWhatTheKernelKeepsOfIt) {
    for (int which = 0; which < 6; which++) {
        SCOPED_TRACE(which);
        hooks_reset();
        hooks_ring(6, 0);
        hooks_ring_held(1);
        hooks_sendmsg();
        for (int i = 0; i < 6; i++) {
            frame(i, false, i == which ? Step::alloc_done : Step::none);
            hooks_ring_step();
        }
        hooks_sendmsg_done(360);
        ASSERT_EQ(sends().size(), 6U);
        for (const sr_send& send : sends()) EXPECT_EQ(send.driver_hits, 1U);
    }
}

// Without PACKET_LOSS none is passed over: the hook on its __dev_queue_xmit was skipped, and what was dropped there is
// not known.
TEST_F(Hooks, DoNotTakeADroppedFrameOfARingForOneThatWasPassedOverWithoutPACKET_LOSS) {
    for (int which = 0; which < 3; which++) {
        SCOPED_TRACE(which);
        hooks_reset();
        hooks_ring(3, 0);
        hooks_sendmsg();
        for (int i = 0; i < 3; i++) {
            if (i == which) {
                hooks_alloc();
                hooks_alloc_done(i);
                hooks_freed(i, 5);
            } else {
                frame(i);
            }
            hooks_ring_step();
        }
        hooks_sendmsg_done(180);
        ASSERT_EQ(sends().size(), 3U);
        for (const sr_send& send : sends()) EXPECT_FALSE(send.flags & SR_SEND_SKIPPED);
        EXPECT_EQ(sends()[static_cast<std::size_t>(which)].driver_hits, 0U);
    }
}

TEST_F(Hooks, NameTheQueueThatKeepsAFrameOfARingWhicheverItIsOfTheCall) {
    hooks_queue(1);
    hooks_ring(3, 0);
    hooks_sendmsg();
    for (int i = 0; i < 3; i++) {
        hooks_alloc();
        hooks_alloc_done(i);
        hooks_xmit(i, 0);
        hooks_xmit_done(0, 0);
        hooks_ring_step();
    }
    hooks_sendmsg_done(180);
    ASSERT_EQ(sends().size(), 3U);
    for (const sr_send& send : sends()) EXPECT_STREQ(send.qdisc, "netem");
}

}  // namespace
}  // namespace sockray
