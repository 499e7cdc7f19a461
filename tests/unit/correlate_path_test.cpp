#include "user/correlate/path.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

std::vector<Stage> stages_of(const Steps& steps) {
    std::vector<Stage> stages;
    for (const Step& step : steps) stages.push_back(step.stage);
    return stages;
}

std::map<Stage, Step> by_stage(const Steps& steps) {
    std::map<Stage, Step> map;
    for (const Step& step : steps) map[step.stage] = step;
    return map;
}

void expect_same(const Steps& steps, const Steps& expected) {
    ASSERT_EQ(steps.size, expected.size);
    for (std::size_t i = 0; i < steps.size; i++) {
        EXPECT_EQ(steps.step[i].stage, expected.step[i].stage);
        EXPECT_EQ(steps.step[i].evidence, expected.step[i].evidence);
        EXPECT_EQ(steps.step[i].depth, expected.step[i].depth);
        EXPECT_EQ(steps.step[i].span.start, expected.step[i].span.start);
        EXPECT_EQ(steps.step[i].span.end, expected.step[i].span.end);
    }
}

TEST(RepeatedSteps, AreThoseOfEachSendWhateverCameBefore) {
    const Plan plan = made::plan(true);
    RepeatedSteps repeated(plan);
    Send later = made::delivered();
    for (sr_span& span : later.record.span)
        if (span.start) span = {span.start + 1000, span.end + 2000};
    Send bypass = made::delivered();
    made::unpass(bypass.record, {SR_SLOT_XMIT, SR_SLOT_DRIVER});
    Send ring = bypass;
    ring.record.flags |= SR_SEND_TX_RING;
    Send inlined = made::inlined(made::delivered());
    Send written = inlined;
    written.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SOCK_WRITE_ITER;
    for (const Send& send : {made::delivered(), later, bypass, ring, later, inlined, written, inlined})
        expect_same(repeated.of(send.record), steps_of(send.record, plan));
}

TEST(RepeatedSteps, SayWhenTheyAreOthers) {
    const Plan plan = made::plan();
    RepeatedSteps repeated(plan);
    Send shorter = made::delivered();
    made::unpass(shorter.record, {SR_SLOT_DRIVER});
    repeated.of(made::delivered().record);
    EXPECT_TRUE(repeated.changed());
    repeated.of(made::delivered().record);
    EXPECT_FALSE(repeated.changed());
    repeated.of(shorter.record);
    EXPECT_TRUE(repeated.changed());
}

TEST(Path, HoldsTheRecordedStagesInTheOrderOfTheKernelsCalls) {
    EXPECT_EQ(stages_of(steps_of(made::delivered().record, made::plan())),
              (std::vector{Stage::sys_sendto, Stage::sockfd_lookup, Stage::sock_sendmsg_inner, Stage::packet_sendmsg,
                           Stage::packet_snd, Stage::alloc, Stage::queue_xmit, Stage::start_xmit}));
}

TEST(Path, NestsAsTheKernelsFunctionsCallEachOther) {
    const auto steps = by_stage(steps_of(made::delivered().record, made::plan()));
    EXPECT_EQ(steps.at(Stage::sys_sendto).depth, 0);
    EXPECT_EQ(steps.at(Stage::sockfd_lookup).depth, 1);
    EXPECT_EQ(steps.at(Stage::sock_sendmsg_inner).depth, 1);
    EXPECT_EQ(steps.at(Stage::packet_sendmsg).depth, 2);
    EXPECT_EQ(steps.at(Stage::packet_snd).depth, 3);
    EXPECT_EQ(steps.at(Stage::alloc).depth, 4);
    EXPECT_EQ(steps.at(Stage::queue_xmit).depth, 4);
    EXPECT_EQ(steps.at(Stage::start_xmit).depth, 5);
}

TEST(Path, SkipsTheLevelsThatARecordDoesNotHave) {
    Send send = made::delivered();
    made::unpass(send.record, {SR_SLOT_ENTRY, SR_SLOT_LOOKUP, SR_SLOT_INNER, SR_SLOT_ALLOC, SR_SLOT_XMIT});
    const auto steps = by_stage(steps_of(send.record, made::plan()));
    EXPECT_EQ(steps.at(Stage::packet_sendmsg).depth, 0);
    EXPECT_EQ(steps.at(Stage::packet_snd).depth, 1);
    EXPECT_EQ(steps.at(Stage::start_xmit).depth, 2);
}

TEST(Path, ListsInlinedStagesAsDerivedAndWithoutTimes) {
    const auto steps = by_stage(steps_of(made::inlined(made::delivered()).record, made::plan(true)));
    for (const Stage stage : {Stage::sockfd_lookup, Stage::sock_sendmsg_inner}) {
        ASSERT_TRUE(steps.count(stage));
        EXPECT_EQ(steps.at(stage).evidence, Evidence::derived);
        EXPECT_EQ(steps.at(stage).span.start, 0U);
    }
    EXPECT_EQ(steps.at(Stage::packet_sendmsg).depth, 2);
}

TEST(Path, DoesNotLookADescriptorUpForWrite) {
    Send send = made::inlined(made::delivered());
    send.record.syscall = SYS_write;
    send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SOCK_WRITE_ITER;
    const auto steps = by_stage(steps_of(send.record, made::plan(true)));
    EXPECT_FALSE(steps.count(Stage::sockfd_lookup));
    EXPECT_TRUE(steps.count(Stage::sock_sendmsg_inner));
}

TEST(Path, LetsPacketSndEndWithPacketSendmsg) {
    const Send send = made::delivered();
    const auto steps = by_stage(steps_of(send.record, made::plan()));
    EXPECT_EQ(steps.at(Stage::packet_snd).evidence, Evidence::located);
    EXPECT_EQ(steps.at(Stage::packet_snd).span.end, send.record.span[SR_SLOT_SENDMSG].end);
}

TEST(Path, DerivesTheBodyFromTheTxRingWhereItsHookWasNotHit) {
    Send send = made::delivered();
    made::unpass(send.record, {SR_SLOT_BODY});
    EXPECT_EQ(by_stage(steps_of(send.record, made::plan())).at(Stage::packet_snd).evidence, Evidence::derived);
    send.record.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(by_stage(steps_of(send.record, made::plan())).at(Stage::tpacket_snd).span.start, 0U);
}

TEST(Path, GivesSockPacketNoBody) {
    Send send = made::delivered();
    made::unpass(send.record, {SR_SLOT_BODY, SR_SLOT_ALLOC});
    send.record.stage[SR_SLOT_SENDMSG] = SR_STAGE_PACKET_SENDMSG_SPKT;
    const auto steps = by_stage(steps_of(send.record, made::plan()));
    EXPECT_FALSE(steps.count(Stage::packet_snd));
    EXPECT_EQ(steps.at(Stage::queue_xmit).depth, steps.at(Stage::packet_sendmsg_spkt).depth + 1);
}

TEST(Path, NestsPacketCreateInSockCreate) {
    const Steps steps = steps_of(made::socket(), made::plan());
    ASSERT_EQ(stages_of(steps), (std::vector{Stage::sock_create, Stage::packet_create}));
    EXPECT_EQ(steps.step[1].depth, 1);
    sr_socket without = made::socket();
    without.create_seen = 0;
    EXPECT_EQ(steps_of(without, made::plan()).size, 1U);
}

TEST(Path, TakesASendsDurationFromItsOutermostStage) {
    Send send = made::delivered();
    EXPECT_EQ(duration_ns(send.record), 10'000U);
    send.record.span[SR_SLOT_ENTRY].end = 0;
    EXPECT_EQ(duration_ns(send.record), 8'800U);
    EXPECT_EQ(duration_ns(sr_send{}), std::nullopt);
}

TEST(Path, HasNoTimeForAFrameOfATxRingThatWasPassedOverNextToAnotherOne) {
    Send send = made::delivered();
    send.record.flags |= SR_SEND_TX_RING;
    for (sr_span& span : send.record.span) span = {};
    send.record.span[SR_SLOT_SENDMSG] = {1000, 1000};
    EXPECT_EQ(duration_ns(send.record), std::nullopt);
}

TEST(Path, DoesNotTakeTheTimeOfAWholeSendmmsgForThatOfOneSend) {
    Send send = made::delivered();
    send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    EXPECT_EQ(duration_ns(send.record), 8'800U);
}

TEST(Path, NestsWhatQueueDriverAndReceiversDoBelowTheQueue) {
    const auto steps = by_stage(steps_of(made::followed().record, made::plan()));
    const int queue = steps.at(Stage::queue_xmit).depth;
    EXPECT_EQ(queue, steps.at(Stage::packet_xmit).depth + 1);
    EXPECT_EQ(steps.at(Stage::packet_xmit).depth, steps.at(Stage::alloc).depth);
    for (const Stage stage : {Stage::copy, Stage::parse})
        EXPECT_EQ(steps.at(stage).depth, steps.at(Stage::alloc).depth) << stage_name(stage);
    for (const Stage stage : {Stage::enqueue, Stage::dequeue, Stage::packet_rcv, Stage::freed})
        EXPECT_EQ(steps.at(stage).depth, queue + 1) << stage_name(stage);
    EXPECT_EQ(steps.at(Stage::ndo).depth, queue + 1) << "dev_hard_start_xmit ran in softirq, not in this send";
    Send direct = made::followed();
    made::pass(direct.record, SR_SLOT_DRIVER, Stage::start_xmit, 1'007'000, 1'008'000);
    EXPECT_EQ(by_stage(steps_of(direct.record, made::plan())).at(Stage::ndo).depth, queue + 2);
}

TEST(Path, ListsEverySlotInTheOrderOfTheStages) {
    const auto stages = stages_of(steps_of(made::followed().record, made::plan()));
    EXPECT_EQ(stages.size(), 15U);
    std::vector<std::ptrdiff_t> places;
    for (const Stage stage : stages) places.push_back(&stage_info(stage) - all_stages.data());
    EXPECT_TRUE(std::ranges::is_sorted(places));
}

TEST(Path, TakesAFramesTimeUntilADriverHasTakenIt) {
    EXPECT_EQ(frame_duration_ns(made::delivered().record), 7'500U);
    EXPECT_EQ(frame_duration_ns(made::followed().record), 29'000U);
    Send direct = made::delivered();
    made::unpass(direct.record, {SR_SLOT_DRIVER});
    direct.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    EXPECT_EQ(frame_duration_ns(direct.record), 8'000U) << "the return of __dev_direct_xmit tells";
}

TEST(Path, TakesAFramesTimeUntilTheKernelHasDroppedIt) {
    Send dropped = made::dropped();
    dropped.record.drop_ns = 1'050'000;
    EXPECT_EQ(frame_duration_ns(dropped.record), 49'000U);
}

TEST(Path, KnowsNoTimeOfAFrameThatCameToNobody) {
    EXPECT_EQ(frame_duration_ns(made::failed().record), std::nullopt);
    EXPECT_EQ(frame_duration_ns(sr_send{}), std::nullopt);
    Send queued = made::delivered();
    queued.record.driver_hits = 0;
    made::unpass(queued.record, {SR_SLOT_DRIVER});
    EXPECT_EQ(frame_duration_ns(queued.record), std::nullopt);
}

// NETDEV_TX_BUSY: the qdisc has it again.
TEST(Path, KnowsNoTimeOfAFrameForWhichTheDriverWasBusy) {
    Send busy = made::delivered();
    busy.record.flags |= SR_SEND_TRACKED;
    busy.record.driver_hits = 0;
    busy.record.driver_ret = 0x10;
    EXPECT_EQ(frame_duration_ns(busy.record), std::nullopt);
}

TEST(Path, CountsTheFramesThatADriverTook) {
    EXPECT_EQ(frames_taken(made::delivered().record, true), 1U);
    EXPECT_EQ(frames_taken(made::dropped().record, false), 0U);
    EXPECT_EQ(frames_taken(made::ring().record, true), 1U);
    Send segmented = made::followed();
    segmented.record.segments = 12;
    segmented.record.driver_hits = 7;
    EXPECT_EQ(frames_taken(segmented.record, false), 7U);
}

TEST(Path, LacksAReturnWhereAStageBeganAndNeverEnded) {
    Send send = made::delivered();
    EXPECT_FALSE(lacks_return(send.record)) << "packet_snd has no end of its own";
    send.record.span[SR_SLOT_XMIT].end = 0;
    EXPECT_TRUE(lacks_return(send.record));

    Send one_of_many = made::delivered();
    one_of_many.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    one_of_many.record.span[SR_SLOT_ENTRY].end = 0;
    EXPECT_FALSE(lacks_return(one_of_many.record));
    EXPECT_FALSE(lacks_return(made::followed().record)) << "a moment ends where it begins";
    EXPECT_FALSE(lacks_return(made::ring_of_many(3).record));
}

}  // namespace
}  // namespace sockray
