// How a send ended, and in which stage.
#include "user/correlate/outcome.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/unit/correlate_records.h"
#include "tests/unit/correlate_verdicts.h"
#include "user/correlate/explain.h"

namespace sockray {
namespace {

using namespace sample;

// ---- delivered

TEST(ASend, IsDeliveredWhenTheDriverTookTheFrame) {
    EXPECT_EQ(told(taken()), "delivered");
}

TEST(ASend, IsDeliveredWhateverTheQdiscSaidOnceTheDriverTookTheFrame) {
    sr_send send = taken();
    send.xmit_ret = 2;  // NET_XMIT_CN
    EXPECT_EQ(told(send), "delivered");
}

TEST(ASend, PastTheQdiscIsDeliveredByTheReturnOfDirectXmit) {
    sr_send send = taken();
    unpass(send, SR_SLOT_DRIVER);
    send.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    send.driver_hits = 1;  // send.bpf.h counts it at the return
    EXPECT_EQ(told(send), "delivered");
}

TEST(ASend, OfSockPacketIsDeliveredTheSame) {
    sr_send send = taken();
    make_spkt(send);
    unpass(send, SR_SLOT_ALLOC);
    EXPECT_EQ(told(send), "delivered");
}

// ---- dropped

TEST(ASend, IsDroppedWhenTheFrameWasFreedInsideTheQdisc) {
    sr_send send = not_at_the_driver();
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 5;
    send.drop_location = 0x1000;
    send.drop_ns = 1650;
    EXPECT_EQ(told(send),
              "dropped in __dev_queue_xmit: the qdisc of veth0 dropped the frame (QDISC_DROP at sch_direct_xmit+0x42)");
}

TEST(ASend, IsDroppedInsideTheDriverWhenTheFrameWasFreedThere) {
    sr_send send = taken();
    send.driver_hits = 0;
    send.flags |= SR_SEND_DROP;
    send.drop_ns = 1550;
    send.drop_in_driver = 1;
    send.drop_reason = 77;
    send.drop_location = 16;
    EXPECT_EQ(told(send), "dropped in dev_hard_start_xmit: reason 77 at 0x16, inside dev_hard_start_xmit on veth0");
}

// Drivers that send copies free the frame itself so, others each frame that they drop: the kernel does not tell them
// apart.
TEST(ASend, ThatItsDriverFreedWithoutAReasonAndWithoutAnErrorIsDroppedAndTheDoubtIsSaid) {
    sr_send send = taken();
    send.driver_hits = 0;
    send.flags |= SR_SEND_DROP;
    send.drop_ns = 1550;
    send.drop_in_driver = 1;
    send.drop_reason = 8;
    send.drop_location = 16;
    EXPECT_EQ(
        told(send),
        "dropped in dev_hard_start_xmit: NOT_SPECIFIED at 0x16, inside dev_hard_start_xmit on veth0: the driver freed "
        "the frame as dropped and gives no reason; one that sends copies of it does that too, and counts it as sent");
    send.driver_ret = 1;
    EXPECT_EQ(told(send), "dropped in dev_hard_start_xmit: NOT_SPECIFIED at 0x16, inside dev_hard_start_xmit on veth0");
}

// So past the qdisc, where 0 says that a driver has taken the frame.
TEST(ASend, PastTheQdiscThatItsDriverFreedWithoutAReasonIsDroppedAndTheDoubtIsSaid) {
    sr_send send = taken();
    send.driver_hits = 0;
    send.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    send.xmit_ret = 0;
    send.flags |= SR_SEND_DROP;
    send.drop_ns = 1550;
    send.drop_reason = 8;
    send.drop_location = 16;
    EXPECT_NE(told(send).find("the driver freed the frame as dropped and gives no reason"), std::string::npos)
        << told(send);
    send.drop_reason = 77;
    EXPECT_EQ(told(send).find("gives no reason"), std::string::npos) << told(send);
}

TEST(ASend, IsDroppedWhenTheDriverSaysSo) {
    sr_send send = taken();
    send.driver_hits = 0;
    send.driver_ret = 1;  // NET_XMIT_DROP
    EXPECT_EQ(told(send), "dropped in dev_hard_start_xmit: the driver of veth0 dropped the frame (it returned 1)");
}

// ---- queued

TEST(ASend, IsQueuedWhenTheQdiscStillHadTheFrameWhenTracingEnded) {
    EXPECT_EQ(told(send_of(followed(), FrameEnd::queued)),
              "queued in __dev_queue_xmit: still in the tbf qdisc of veth0 when tracing ended");
    sr_send nameless = followed();
    set(nameless.qdisc, "");
    EXPECT_EQ(told(send_of(nameless, FrameEnd::queued)),
              "queued in __dev_queue_xmit: still in the qdisc of veth0 when tracing ended");
}

TEST(ASend, IsDroppedForWantOfACarrierWhereTheNoopQdiscIsAtWork) {
    sr_send send = followed();
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = 5;
    send.drop_location = 0x1000;
    set(send.qdisc, "noop");
    EXPECT_EQ(told(send),
              "dropped in __dev_queue_xmit: veth0 has no carrier, and takes nothing in (QDISC_DROP at "
              "sch_direct_xmit+0x42)");
}

TEST(ASend, IsQueuedBehindAQueueThatTheDriverHasStopped) {
    sr_send send = followed();
    send.queue_state = 1;  // __QUEUE_STATE_DRV_XOFF
    EXPECT_EQ(told(send_of(send, FrameEnd::queued)),
              "queued in __dev_queue_xmit: still in the tbf qdisc of veth0, which was stopped, when tracing ended");
}

// What the call returned of its own wait is no end of the frame.
TEST(ASend, OfATxRingTellsHowTheCallsWaitForItsFramesEnded) {
    sr_send send = ring();
    EXPECT_EQ(explain_wait(send), "");
    EXPECT_EQ(wait_errno(send), 0);
    send.flags |= SR_SEND_WAIT_TIMED_OUT;
    EXPECT_EQ(verdict_of(send).outcome, Outcome::delivered);
    EXPECT_EQ(explain_wait(send),
              "the call returned ETIMEDOUT: SO_SNDTIMEO ran out while it waited for the ends of its frames");
    EXPECT_EQ(wait_errno(send), ETIMEDOUT);
    send.flags ^= SR_SEND_WAIT_TIMED_OUT | SR_SEND_WAIT_SIGNAL;
    EXPECT_EQ(
        explain_wait(send),
        "the call returned ERESTARTSYS: a signal came while the call waited for the ends of its frames; the program "
        "sees EINTR, or the call begins again");
    send.flags |= SR_SEND_KILLED;
    EXPECT_EQ(explain_wait(send),
              "the call returned ERESTARTSYS: the thread was killed, by a fatal signal or with its process, while the "
              "call waited for the ends of its frames");
}

TEST(ASend, IsQueuedWhenTheQdiscTookTheFrameUnderCongestion) {
    sr_send send = followed();
    send.xmit_ret = 2;  // NET_XMIT_CN
    EXPECT_EQ(verdict_of(send_of(send, FrameEnd::queued)).outcome, Outcome::queued);
}

TEST(ASend, IsQueuedWhenTheDriverWasBusy) {
    sr_send send = taken();
    send.flags |= SR_SEND_TRACKED;
    send.driver_hits = 0;
    send.driver_ret = 0x10;  // NETDEV_TX_BUSY
    EXPECT_EQ(told(send_of(send, FrameEnd::queued)),
              "queued in __dev_queue_xmit: still in the qdisc of veth0 when tracing ended");
}

// Only the map of frames tells that a qdisc has one: whatever was not followed is not queued.
TEST(ASend, IsNeverQueuedWithoutHavingBeenFollowed) {
    sr_send busy = taken();
    busy.driver_hits = 0;
    busy.driver_ret = 0x10;
    sr_send congested = not_at_the_driver();
    congested.xmit_ret = 2;
    sr_send untracked = not_at_the_driver();
    untracked.flags |= SR_SEND_UNTRACKED;
    for (const sr_send& send : {not_at_the_driver(), busy, congested, untracked})
        for (const FrameEnd end : {FrameEnd::known, FrameEnd::queued, FrameEnd::lost})
            EXPECT_EQ(verdict_of(send_of(send, end)).outcome, Outcome::unknown);
    const std::string no_driver =
        "unknown in __dev_queue_xmit: __dev_queue_xmit took the frame, and it came to no driver of veth0: a filter "
        "took "
        "or redirected it (tc, netfilter), or the kernel skipped a hook";
    EXPECT_EQ(told(not_at_the_driver()), no_driver);
    EXPECT_EQ(told(not_at_the_driver(), plan_without(Stage::freed)), no_driver + "; --stages full tells more");
    EXPECT_EQ(told(congested), "unknown in __dev_queue_xmit: __dev_queue_xmit returned 2");
    EXPECT_EQ(told(busy), "unknown in __dev_queue_xmit: __dev_queue_xmit returned 0");
}

// ---- unknown

TEST(ASend, IsUnknownAndNeverDroppedWhereTheDriverHasNoHook) {
    const Plan blind = plan_without(Stage::start_xmit);
    EXPECT_EQ(told(not_at_the_driver(), blind),
              "unknown in __dev_queue_xmit: this kernel offers no hook on dev_hard_start_xmit");
    sr_send congested = not_at_the_driver();
    congested.xmit_ret = 2;
    EXPECT_EQ(verdict_of(congested, blind).outcome, Outcome::unknown);
}

// What frees the frame may be its receiver, long after a driver took it that nobody saw.
TEST(ASend, IsUnknownAndNeverDroppedWhereTheFrameWasFreedAndTheDriverHasNoHook) {
    sr_send send = not_at_the_driver();
    send.flags |= SR_SEND_DROP;
    send.drop_ns = 1650;
    EXPECT_EQ(verdict_of(send, plan_without(Stage::start_xmit)).outcome, Outcome::unknown);
}

TEST(ASend, IsUnknownWhereTheQdiscHasNoHook) {
    sr_send send = not_at_the_driver();
    unpass(send, SR_SLOT_XMIT);
    EXPECT_EQ(told(send, plan_without(Stage::queue_xmit)), "unknown: this kernel offers no hook on __dev_queue_xmit");
}

TEST(ASend, IsUnknownWhenTheHookOnTheQdiscWasSkipped) {
    sr_send send = not_at_the_driver();
    unpass(send, SR_SLOT_XMIT);
    EXPECT_EQ(told(send), "unknown: the kernel skipped the hook on __dev_queue_xmit or __dev_direct_xmit");
}

// Before the xmit stage nobody drops a frame and tells its sender that all is well: the hook there was skipped.
TEST(ASend, IsUnknownAndNeverDroppedWhereTheFrameWasFreedAndTheXmitStageWasNotSeen) {
    sr_send send = not_at_the_driver();
    unpass(send, SR_SLOT_XMIT);
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = 5;
    EXPECT_EQ(told(send), "unknown: the kernel skipped the hook on __dev_queue_xmit or __dev_direct_xmit");
    EXPECT_EQ(told(send, plan_without(Stage::queue_xmit)), "unknown: this kernel offers no hook on __dev_queue_xmit");
    send.drop_in_driver = 1;
    EXPECT_EQ(verdict_of(send).outcome, Outcome::unknown);
    send.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(verdict_of(send).outcome, Outcome::unknown);
}

TEST(ASend, IsUnknownWhenTheReturnOfTheDriverWasSkipped) {
    sr_send send = taken();
    send.driver_hits = 0;
    send.span[SR_SLOT_DRIVER].end = 0;
    EXPECT_EQ(told(send),
              "unknown in dev_hard_start_xmit: the kernel skipped the hook on the return of dev_hard_start_xmit");
}

TEST(ASend, IsUnknownWhenTheReturnOfPacketSendmsgWasSkipped) {
    sr_send send = taken();
    send.flags &= ~SR_SEND_RETURNED;
    send.span[SR_SLOT_SENDMSG].end = 0;
    EXPECT_EQ(told(send), "unknown: the kernel skipped the hook on the return of packet_sendmsg");
}

TEST(ASend, PastTheQdiscThatReturnedAnErrorToNobodyIsUnknown) {
    sr_send send = not_at_the_driver();
    send.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    send.xmit_ret = 1;
    EXPECT_EQ(told(send), "unknown in __dev_direct_xmit: __dev_direct_xmit returned 1");
}

// ---- swept: still inside the kernel when tracing ended

TEST(ASweptSend, IsUnknownInTheInnermostStageThatHasNotReturned) {
    sr_send send = failed_at_alloc(0);
    send.flags = SR_SEND_SWEPT | SR_SEND_ADDRESS;
    send.span[SR_SLOT_SENDMSG].end = send.span[SR_SLOT_ENTRY].end = send.span[SR_SLOT_ALLOC].end = 0;
    EXPECT_EQ(told(send), "unknown in sock_alloc_send_pskb: still inside sock_alloc_send_pskb when tracing ended");
}

TEST(ASweptSend, IsUnknownInsidePacketSndWhereNoOtherStageIsOpen) {
    sr_send send = failed_at_alloc(0);
    send.flags = SR_SEND_SWEPT;
    send.span[SR_SLOT_SENDMSG].end = 0;
    EXPECT_EQ(told(send), "unknown in packet_snd: still inside packet_snd when tracing ended");
}

TEST(ASweptSend, OfATxRingIsUnknownInsideTpacketSnd) {
    sr_send send = ring();
    send.flags = SR_SEND_SWEPT | SR_SEND_TX_RING;
    send.span[SR_SLOT_SENDMSG].end = 0;
    EXPECT_EQ(told(send), "unknown in tpacket_snd: still inside tpacket_snd when tracing ended");
}

// packet_sendmsg had returned: what was swept is only the function around it.
TEST(ASweptSend, ThatHadReturnedFromPacketSendmsgKeepsItsOutcome) {
    sr_send send = taken();
    send.flags |= SR_SEND_SWEPT;
    send.span[SR_SLOT_ENTRY].end = 0;
    EXPECT_EQ(told(send), "delivered");
}

// ---- failed: the stage

TEST(AFailedSend, EndedInPacketSndWhereNothingElseWasReached) {
    for (const int err : {ENXIO, ENETDOWN, EMSGSIZE, EINVAL, ENOBUFS, EAGAIN, EFAULT, EPERM})
        EXPECT_EQ(failed_stage(refused(err)), Stage::packet_snd) << err;
}

TEST(AFailedSend, EndedInTheAllocationByTheErrorsThatItReturns) {
    for (const int err : {EAGAIN, ENOBUFS, EINTR, 512, EPIPE, ENETDOWN})
        EXPECT_EQ(failed_stage(failed_at_alloc(err)), Stage::alloc) << err;
}

TEST(AFailedSend, EndedInPacketSndByTheErrorsThatStandBehindTheAllocation) {
    for (const int err : {EINVAL, EFAULT, EMSGSIZE})
        EXPECT_EQ(failed_stage(failed_behind_alloc(err)), Stage::packet_snd) << err;
}

// With PACKET_QDISC_BYPASS netfilter's egress comes before __dev_direct_xmit.
TEST(AFailedSend, EndedBehindTheAllocationWhereNetfilterDroppedItsFrame) {
    EXPECT_EQ(told(dropped_by_netfilter()),
              "failed in packet_snd: ENOBUFS: netfilter at the egress of veth0 dropped the frame (NETFILTER_DROP)");
    sr_send of_ring = dropped_by_netfilter();
    of_ring.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(told(of_ring),
              "failed in tpacket_snd: ENOBUFS: netfilter at the egress of veth0 dropped the frame (NETFILTER_DROP)");
    EXPECT_EQ(failed_stage(failed_behind_alloc(ENOBUFS)), Stage::packet_snd);
}

TEST(AFailedSend, EndedInTheQdiscWhichRefusedTheFrame) {
    EXPECT_EQ(failed_stage(failed_in_xmit(ENOBUFS)), Stage::queue_xmit);
}

TEST(AFailedSend, EndedInDirectXmitWhichRefusedTheFrame) {
    sr_send send = failed_in_xmit(ENOBUFS);
    send.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    EXPECT_EQ(failed_stage(send), Stage::direct_xmit);
}

TEST(AFailedSend, OfATxRingEndedInTpacketSnd) {
    sr_send send = ring();
    explain(send, EINVAL);
    for (const int slot : {SR_SLOT_ALLOC, SR_SLOT_XMIT, SR_SLOT_DRIVER}) unpass(send, slot);
    EXPECT_EQ(failed_stage(send), Stage::tpacket_snd);
}

TEST(AFailedSend, OfSockPacketEndedInItsOwnFunction) {
    sr_send send = refused(ENODEV);
    make_spkt(send);
    EXPECT_EQ(failed_stage(send), Stage::packet_sendmsg_spkt);
}

TEST(AFailedSend, IsFailedEvenIfAFrameWasFreedOnTheWay) {
    sr_send send = failed_in_xmit(ENOBUFS);
    send.flags |= SR_SEND_DROP;
    send.drop_reason = 5;
    EXPECT_EQ(told(send), "failed in __dev_queue_xmit: ENOBUFS: the qdisc of veth0 dropped the frame (QDISC_DROP)");
}

// ---- always

TEST(EveryOutcome, HasANameOfItsOwn) {
    EXPECT_EQ(outcome_name(Outcome::delivered), "delivered");
    EXPECT_EQ(outcome_name(Outcome::dropped), "dropped");
    EXPECT_EQ(outcome_name(Outcome::failed), "failed");
    EXPECT_EQ(outcome_name(Outcome::queued), "queued");
    EXPECT_EQ(outcome_name(Outcome::unknown), "unknown");
}

TEST(EveryVerdict, ButDeliveredGivesAReasonWhateverWasSeen) {
    sr_send segmented = followed();
    segmented.segments = 3;
    segmented.driver_hits = 2;
    sr_send dropped = segmented;
    dropped.drops = 1;
    const sr_send samples[] = {taken(),
                               not_at_the_driver(),
                               failed_in_driver(ENOBUFS),
                               failed_in_xmit(ENOBUFS),
                               refused(EINVAL),
                               failed_at_alloc(EAGAIN),
                               without_device(ENXIO),
                               ring(3),
                               skipped(3),
                               followed(),
                               segmented,
                               dropped};
    const Plan plans[] = {plan(), plan_without(Stage::start_xmit), plan_without(Stage::queue_xmit), Plan{}};
    const std::uint32_t all_flags = 2 * SR_SEND_WAIT_SIGNAL;
    for (const sr_send& from : samples)
        for (std::uint32_t flags = 0; flags < all_flags; flags++)
            for (const Plan& with : plans)
                for (const FrameEnd end : {FrameEnd::known, FrameEnd::queued, FrameEnd::lost}) {
                    Send send = send_of(from, end);
                    send.record.flags = flags;
                    const Verdict verdict = verdict_of(send, with);
                    ASSERT_EQ(verdict.reason.empty(), verdict.outcome == Outcome::delivered) << flags;
                    const bool returned = flags & SR_SEND_RETURNED;
                    const bool refused = returned && (from.ret < 0 || (flags & SR_SEND_SKIPPED));
                    ASSERT_EQ(verdict.outcome == Outcome::failed, refused) << flags;
                    if (verdict.outcome == Outcome::queued) {
                        ASSERT_TRUE((flags & SR_SEND_TRACKED) && end == FrameEnd::queued) << flags;
                    }
                }
}

}  // namespace
}  // namespace sockray
