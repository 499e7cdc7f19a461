// What the hooks make of a frame that goes on: below its device, past the qdisc, in segments, at an address that comes
// again.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/hooks/sent.h"

namespace sockray {
namespace {

using namespace hooked;

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

unsigned taken(std::uint64_t id) {
    unsigned count = 0;
    for (const sr_frame& frame : frame_records()) count += frame.kind == SR_FRAME_TAKEN && frame.send == id;
    return count;
}

// The VLAN's driver has it, and gives it to the device below: a frame that is to be cut up is followed from the first
// device on.
void pass_a_vlan() {
    hooks_given(0);
    hooks_device(0, 0);
    hooks_xmit(0, 0);
    hooks_xmit_done(0, 0);
    hooks_taken(0, 0);
}

TEST_F(Hooks, DoNotTakeALongFrameForDeliveredThatTheQueueBelowAVlanHas) {
    for (const int freed_too : {0, 1}) {
        for (const bool later : {false, true}) {
            SCOPED_TRACE(std::string(freed_too ? "full" : "device") + (later ? ", in a softirq" : ""));
            hooks_reset();
            hooks_freed_too(freed_too);
            hooks_queue(1);
            hooks_device(0, 1);
            hooks_gso(0);
            hooks_sendmsg();
            hooks_alloc();
            hooks_alloc_done(0);
            hooks_xmit(0, 0);
            if (!later) pass_a_vlan();
            hooks_xmit_done(0, 0);
            hooks_sendmsg_done(60);
            hooks_thread(9);
            if (later) pass_a_vlan();
            ASSERT_EQ(sends().size(), 1U);
            EXPECT_EQ(sends()[0].driver_hits, 0U);
            EXPECT_EQ(taken(sends()[0].id), 0U);
            EXPECT_EQ(hooks_flights(), 1U);
            hooks_given(0);
            hooks_taken(0, 0);
            EXPECT_EQ(taken(sends()[0].id), 1U);
        }
    }
}

// The second driver frees the frame before net_dev_xmit tells.
TEST_F(Hooks, CountAFrameOnceThatItsReceiverGivesToAnotherDriver) {
    hooks_freed_too(1);
    leave_in_queue(0);
    hooks_thread(9);
    hooks_given(0);
    hooks_taken(0, 0);
    hooks_received(0);
    hooks_given(0);
    hooks_freed(0, 0);
    hooks_taken(0, 0);
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_EQ(taken(sends()[0].id), 1U);
}

// No tracepoint says that a driver has it: its end while the call is under way, and on another CPU.
TEST_F(Hooks, TellTheEndOfAFrameThatADriverHasPastTheQdisc) {
    for (const unsigned reason : {0U, 2U}) {
        for (const bool later : {false, true}) {
            if (reason && !later) continue;  // then it may be __dev_direct_xmit itself that drops it
            SCOPED_TRACE(std::to_string(reason) + (later ? " later" : ""));
            hooks_reset();
            hooks_freed_too(1);
            hooks_sendmsg();
            hooks_alloc();
            hooks_alloc_done(0);
            hooks_xmit(0, 1);
            if (!later) hooks_freed(0, reason);
            hooks_xmit_done(1, 0);
            hooks_sendmsg_done(60);
            hooks_thread(9);
            if (later) hooks_freed(0, reason);
            ASSERT_EQ(sends().size(), 1U);
            EXPECT_EQ(sends()[0].driver_hits, 1U);
            EXPECT_EQ(sends()[0].drops, 0U);
            if (later) {
                ASSERT_EQ(frame_records().size(), 1U);
                EXPECT_EQ(frame_records()[0].kind, static_cast<std::uint32_t>(SR_FRAME_FREED));
            } else {
                EXPECT_EQ(sends()[0].frees, 1U);
            }
        }
    }
}

// PACKET_QDISC_BYPASS: the receiver's softirq runs before __dev_direct_xmit returns, and what it sends is its own.
void send_past_the_qdisc(void (*receiver)()) {
    hooks_queue(1);
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(0);
    hooks_xmit(0, 1);
    hooks_received(0);
    receiver();
    hooks_xmit(0, 0);
    hooks_xmit_done(0, 2);
    hooks_xmit_done(1, 0);
    hooks_sendmsg_done(60);
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_EQ(sends()[0].driver_hits, 1U);
    EXPECT_EQ(sends()[0].drops, 0U);
    EXPECT_FALSE(sends()[0].flags & SR_SEND_TRACKED);
}

TEST_F(Hooks, TakeAFrameForDeliveredThatItsReceiverForwards) {
    send_past_the_qdisc([] { hooks_device(0, 0); });
}

// drivers/net/tun.c takes the frame from its socket before it looks for room.
TEST_F(Hooks, TellWhyAFrameWasDroppedPastTheQdiscThatItsDriverHadTakenFromTheSocket) {
    for (const int ret : {1, 0}) {
        hooks_reset();
        hooks_sendmsg();
        hooks_alloc();
        hooks_alloc_done(0);
        hooks_xmit(0, 1);
        hooks_received(0);
        hooks_freed(0, 5);
        hooks_xmit_done(1, ret);
        hooks_sendmsg_done(ret ? -105 : 60);
        ASSERT_EQ(sends().size(), 1U);
        // What is freed by its receiver is no drop.
        EXPECT_EQ((sends()[0].flags & SR_SEND_DROP) != 0, ret != 0);
        EXPECT_EQ(sends()[0].drop_reason, ret ? 5U : 0U);
        EXPECT_EQ(sends()[0].drops, ret ? 1U : 0U);
    }
}

TEST_F(Hooks, DoNotTakeForASendsFrameWhatHasItsAddressNow) {
    for (const unsigned reason : {0U, 5U}) {
        hooks_reset();
        if (reason)
            send_past_the_qdisc([] {
                hooks_freed(0, 5);
                hooks_reused(0);
            });
        else
            send_past_the_qdisc([] {
                hooks_freed(0, 0);
                hooks_reused(0);
            });
    }
}

// The record of the cutting itself may find no room.
TEST_F(Hooks, SayOfEachSegmentHowManyThereAre) {
    for (const bool while_open : {true, false}) {
        SCOPED_TRACE(while_open);
        hooks_reset();
        hooks_queue(1);
        hooks_sendmsg();
        hooks_alloc();
        hooks_alloc_done(0);
        hooks_xmit(0, 0);
        if (while_open) hooks_segmented(0, 1, 3);
        hooks_xmit_done(0, 0);
        hooks_sendmsg_done(60);
        if (!while_open) hooks_segmented(0, 1, 3);
        for (int segment = 1; segment <= 3; segment++) {
            if (segment == 3) {
                hooks_freed(segment, 5);
                continue;
            }
            hooks_given(segment);
            hooks_taken(segment, 0);
        }
        ASSERT_EQ(sends().size(), 1U);
        EXPECT_EQ(sends()[0].segments, while_open ? 3U : 0U);
        EXPECT_EQ(frame_records().size(), while_open ? 3U : 4U);
        for (const sr_frame& record : frame_records()) EXPECT_EQ(record.segments, 3U) << "kind " << record.kind;
    }
}

// A followed frame whose end was not seen: what comes at its address is another socket's.
TEST_F(Hooks, DoNotGiveAnotherSocketsFrameToASendWhoseFramesEndWasNotSeen) {
    enum class End { given, dropped, consumed, segmented };
    for (const End end : {End::given, End::dropped, End::consumed, End::segmented}) {
        SCOPED_TRACE(static_cast<int>(end));
        hooks_reset();
        leave_in_queue(0);
        hooks_reused_by_another(0);
        switch (end) {
            case End::given:
                hooks_given(0);
                hooks_taken(0, 0);
                break;
            case End::dropped: hooks_freed(0, 5); break;
            case End::consumed: hooks_freed(0, 0); break;
            case End::segmented: hooks_segmented(0, 1, 3); break;
        }
        EXPECT_EQ(frame_records().size(), 0U);
        EXPECT_EQ(hooks_counters()->passages_lost, 1U);
        EXPECT_EQ(hooks_flights(), 0U);
    }
}

}  // namespace
}  // namespace sockray
