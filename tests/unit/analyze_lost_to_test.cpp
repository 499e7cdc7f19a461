// What took a frame that its driver never got.
#include "user/analyze/findings/lost_to.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/findings_session.h"

namespace sockray {
namespace {

using made::Session;

constexpr std::uint32_t qdisc_drop = 17;
constexpr std::uint32_t netfilter_drop = 18;
constexpr std::uint32_t tells_nothing = 2;
constexpr std::uint64_t in_the_driver = 6;  // made::Names: veth_xmit
constexpr std::uint64_t before_the_driver = 7;

LostTo taken_by(const Send& send) {
    return lost_to(send, made::Names());
}

// ENOBUFS of a frame that was freed before the xmit stage.
Send freed_early(std::uint32_t reason) {
    Send send = made::failed();
    send.reason = "ENOBUFS";
    send.record.ret = -ENOBUFS;
    send.record.alloc_hits = 1;
    send.record.flags |= SR_SEND_DROP;
    send.record.drop_reason = reason;
    made::set(send.record.qdisc, "tbf");
    return send;
}

// __dev_direct_xmit did not bring the frame to the wire.
Send past_the_qdisc(Outcome outcome, std::uint64_t location) {
    Send send = made::dropped();
    send.outcome = outcome;
    send.end_stage = Stage::direct_xmit;
    if (outcome == Outcome::failed) send.record.ret = -ENOBUFS;
    send.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    send.record.drop_reason = tells_nothing;
    send.record.drop_location = location;
    return send;
}

TEST(LostTo, IsAFilterWhereNetfilterDroppedTheFrameBeforeTheXmitStage) {
    EXPECT_EQ(taken_by(freed_early(netfilter_drop)), LostTo::filter);
    Session session;
    session.add(10, freed_early(netfilter_drop));
    session.end();
    EXPECT_TRUE(session.found("other-losses"));
    EXPECT_FALSE(session.found("qdisc-drops"));
}

TEST(LostTo, IsAFilterWhereOnePassedTheFrameOnAndTheCallFailed) {
    Send send = past_the_qdisc(Outcome::failed, in_the_driver);
    send.record.flags |= SR_SEND_PASSED_ON;
    EXPECT_EQ(taken_by(send), LostTo::filter);
}

TEST(LostTo, IsTheQdiscWhoseXmitStageWasNotSeenOnlyByTheReason) {
    EXPECT_EQ(taken_by(freed_early(qdisc_drop)), LostTo::qdisc);
    EXPECT_EQ(taken_by(freed_early(tells_nothing)), LostTo::other);
}

TEST(LostTo, IsTheQdiscThatDropsLaterWithoutAReasonOfItsOwn) {
    Send send = made::dropped();
    send.record.drop_reason = tells_nothing;
    send.record.drop_location = 0;
    made::set(send.record.qdisc, "fq_codel");
    EXPECT_EQ(taken_by(send), LostTo::other);  // before the call returned: a filter may have done it
    send.record.drop_ns = send.record.span[SR_SLOT_XMIT].end + 1'000;
    EXPECT_EQ(taken_by(send), LostTo::qdisc);
}

TEST(LostTo, PastTheQdiscIsTheDriverByThePlaceThatFreedTheFrame) {
    EXPECT_EQ(taken_by(past_the_qdisc(Outcome::failed, in_the_driver)), LostTo::driver);
    EXPECT_EQ(taken_by(past_the_qdisc(Outcome::dropped, in_the_driver)), LostTo::driver);
    EXPECT_EQ(taken_by(past_the_qdisc(Outcome::failed, before_the_driver)), LostTo::other);
}

TEST(LostTo, PastTheQdiscIsTheCarrierWhereTheNoopQdiscIsAtWork) {
    Send send = past_the_qdisc(Outcome::failed, before_the_driver);
    made::set(send.record.qdisc, "noop");
    EXPECT_EQ(taken_by(send), LostTo::carrier);
}

TEST(LostTo, PastTheQdiscIsNoQueueOfTheDevicesOwnWhateverTheReason) {
    Send send = past_the_qdisc(Outcome::dropped, in_the_driver);
    send.record.drop_reason = qdisc_drop;
    made::set(send.record.qdisc, "tbf");
    EXPECT_EQ(taken_by(send), LostTo::other);
}

}  // namespace
}  // namespace sockray
