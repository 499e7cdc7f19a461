// How a send ended whose frames were followed: behind its return, cut into segments, from a TX ring.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/correlate_records.h"
#include "tests/unit/correlate_verdicts.h"
#include "user/correlate/outcome.h"

namespace sockray {
namespace {

using namespace sample;

// ---- followed by its skb, behind the return of the send

TEST(AFollowedSend, IsDeliveredWhenTheDriverTookTheFrame) {
    sr_send send = followed();
    send.driver_hits = 1;
    EXPECT_EQ(told(send), "delivered");
}

// The driver is known by tracepoints: dev_hard_start_xmit needs no hook.
TEST(AFollowedSend, IsDeliveredAlsoWhereTheDriverHasNoHook) {
    sr_send send = followed();
    send.driver_hits = 1;
    EXPECT_EQ(told(send, plan_without(Stage::start_xmit)), "delivered");
}

// What becomes of it is the other device's doing.
TEST(AFollowedSend, ThatAFilterPassedOnIsJudgedByTheDeviceThatItCameTo) {
    sr_send send = followed();
    send.flags |= SR_SEND_PASSED_ON;
    set(send.passed_on_to, "vout0");
    send.driver_hits = 1;
    EXPECT_EQ(told(send), "delivered");
    send.driver_hits = 0;
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = 5;
    send.drop_location = 0x1000;
    EXPECT_EQ(
        told(send),
        "dropped in __dev_queue_xmit: a filter at the egress of veth0 (netfilter, tc) passed the frame on to vout0; "
        "there: the qdisc of vout0 dropped the frame (QDISC_DROP at sch_direct_xmit+0x42)");
}

TEST(AFollowedSend, IsDroppedWhenTheQdiscFreedTheFrameAfterTheReturn) {
    sr_send send = followed();
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = 5;
    send.drop_location = 0x1000;
    send.drop_ns = 9000;
    EXPECT_EQ(told(send),
              "dropped in __dev_queue_xmit: the tbf qdisc of veth0, or one below it, dropped the frame (QDISC_DROP at "
              "sch_direct_xmit+0x42)");
    EXPECT_EQ(verdict_of(send, plan_without(Stage::start_xmit)).outcome, Outcome::dropped);
}

TEST(AFollowedSend, IsDroppedInsideTheDriverThatTheSendItselfCalled) {
    sr_send send = taken();
    send.driver_hits = 0;
    send.flags |= SR_SEND_TRACKED | SR_SEND_DROP;
    send.drops = 1;
    send.drop_ns = 1550;
    send.drop_in_driver = 1;
    send.drop_reason = 77;
    send.drop_location = 16;
    EXPECT_EQ(told(send), "dropped in dev_hard_start_xmit: reason 77 at 0x16, inside dev_hard_start_xmit on veth0");
}

// In softirq dev_hard_start_xmit is not part of the send: its slot is empty.
TEST(AFollowedSend, IsDroppedInsideTheDriverAlsoBehindTheReturn) {
    sr_send send = followed();
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_ns = 9000;
    send.drop_in_driver = 1;
    send.drop_reason = 77;
    send.drop_location = 16;
    EXPECT_EQ(told(send), "dropped in ndo_start_xmit: reason 77 at 0x16, inside ndo_start_xmit on veth0");
}

TEST(AFollowedSend, IsDroppedByTheReturnValueOfTheDriver) {
    sr_send send = followed();
    send.driver_drops = 1;
    send.driver_ret = 1;  // NET_XMIT_DROP
    EXPECT_EQ(told(send), "dropped in ndo_start_xmit: the driver of veth0 dropped the frame (it returned 1)");
}

TEST(AFollowedSend, IsUnknownWhenTheRecordOfItsFramesEndWasLost) {
    EXPECT_EQ(
        told(send_of(followed(), FrameEnd::lost)),
        "unknown in __dev_queue_xmit: tracing lost what became of the frame in the tbf qdisc of veth0: the record "
        "of its end found no room, or the kernel skipped a hook");
}

TEST(AFollowedSend, IsUnknownWhenTheFrameWasConsumedOnTheWay) {
    EXPECT_EQ(
        told(send_of(followed(), FrameEnd::known, 1)),
        "unknown in __dev_queue_xmit: the frame was consumed before a driver of veth0 had it: redirected or taken "
        "by a filter, or the kernel skipped a hook");
}

TEST(AFollowedSend, IsUnknownWhenThereWasNoRoomToFollowIt) {
    sr_send send = not_at_the_driver();
    send.flags |= SR_SEND_UNTRACKED;
    EXPECT_EQ(told(send),
              "unknown in __dev_queue_xmit: the frame went into the qdisc of veth0, and there was no room to follow it "
              "(--in-flight)");
}

// What was seen of the driver inside the call holds, though there was no room to follow the frame.
TEST(AFollowedSend, IsDeliveredWithoutRoomWhereTheDriverTookTheFrameBeforeTheReturn) {
    sr_send send = taken();
    send.flags |= SR_SEND_UNTRACKED;
    EXPECT_EQ(told(send), "delivered");
}

TEST(AFollowedSend, ThatWasRefusedIsFailedWhateverBecameOfItsFrame) {
    sr_send send = failed_in_xmit(ENOBUFS);
    send.flags |= SR_SEND_TRACKED | SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = 5;
    for (const FrameEnd end : {FrameEnd::known, FrameEnd::queued, FrameEnd::lost})
        EXPECT_EQ(told(send_of(send, end)),
                  "failed in __dev_queue_xmit: ENOBUFS: the qdisc of veth0 dropped the frame (QDISC_DROP)");
}

// ---- cut into segments

TEST(ASegmentedSend, IsDeliveredWhenTheDriverTookEverySegment) {
    sr_send send = followed();
    send.segments = send.driver_hits = 12;
    EXPECT_EQ(told(send), "delivered");
    send.driver_hits = 11;
    EXPECT_NE(verdict_of(send).outcome, Outcome::delivered);
}

TEST(ASegmentedSend, IsDroppedWithTheNumberOfItsSegmentsThatNoDriverTook) {
    sr_send send = followed();
    send.segments = 4;
    send.driver_hits = 2;
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.driver_drops = 1;
    send.drop_reason = 5;
    send.drop_location = 0x1000;
    EXPECT_EQ(
        told(send),
        "dropped in __dev_queue_xmit: 2 of 4 segments: the tbf qdisc of veth0, or one below it, dropped the frame "
        "(QDISC_DROP at sch_direct_xmit+0x42)");
    send.flags &= ~SR_SEND_DROP;
    send.drops = 0;
    send.driver_hits = 3;
    send.driver_ret = 1;
    EXPECT_EQ(told(send),
              "dropped in ndo_start_xmit: 1 of 4 segments: the driver of veth0 dropped the frame (it returned 1)");
}

TEST(ASegmentedSend, IsQueuedWithTheNumberOfItsSegmentsThatAreStillQueued) {
    sr_send send = followed();
    send.segments = 16;
    send.driver_hits = 13;
    EXPECT_EQ(told(send_of(send, FrameEnd::queued)),
              "queued in __dev_queue_xmit: 3 of 16 segments: still in the tbf qdisc of veth0 when tracing ended");
}

// ---- a TX ring: one call, many frames, each of which is a send

TEST(ATxRing, IsDeliveredFrameByFrameWhenTheDriverTookIt) {
    for (const std::uint32_t frame : {0U, 1U, 15U}) EXPECT_EQ(told(ring(frame)), "delivered") << frame;
}

TEST(ATxRing, IsQueuedFrameByFrame) {
    sr_send send = ring(13);
    unpass(send, SR_SLOT_DRIVER);
    send.flags |= SR_SEND_TRACKED;
    EXPECT_EQ(told(send_of(send, FrameEnd::queued)),
              "queued in __dev_queue_xmit: still in the qdisc of veth0 when tracing ended");
}

TEST(ATxRing, IsDroppedFrameByFrame) {
    sr_send send = ring(3);
    unpass(send, SR_SLOT_DRIVER);
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 5;
    send.drop_location = 0x1000;
    send.drop_ns = 1450;
    EXPECT_EQ(told(send),
              "dropped in __dev_queue_xmit: the qdisc of veth0 dropped the frame (QDISC_DROP at sch_direct_xmit+0x42)");
}

TEST(ATxRing, IsUnknownWhereTheDriverHasNoHook) {
    sr_send send = ring(4);
    unpass(send, SR_SLOT_DRIVER);
    EXPECT_EQ(verdict_of(send, plan_without(Stage::start_xmit)).outcome, Outcome::unknown);
}

TEST(ATxRing, FailsAFrameThatPacketLossPassedOver) {
    EXPECT_EQ(told(skipped(2)),
              "failed in tpacket_snd: the ring's frame is not well-formed, and PACKET_LOSS is set: the kernel passed "
              "over it");
    // The kernel frees what it had allocated for it: that is no other end.
    sr_send freed = skipped(2);
    freed.flags |= SR_SEND_DROP;
    freed.drops = 1;
    EXPECT_EQ(verdict_of(freed).outcome, Outcome::failed);
}

}  // namespace
}  // namespace sockray
