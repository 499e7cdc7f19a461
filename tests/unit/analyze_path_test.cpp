#include "user/analyze/path.h"

#include <gtest/gtest.h>

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

TEST(Path, HoldsTheRecordedStagesInTheOrderOfTheKernelsCalls) {
    EXPECT_EQ(stages_of(steps_of(made::delivered().record, made::plan())),
              (std::vector{Stage::sys_sendto, Stage::sockfd_lookup, Stage::sock_sendmsg_inner,
                           Stage::packet_sendmsg, Stage::packet_snd, Stage::alloc, Stage::queue_xmit,
                           Stage::start_xmit}));
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
    EXPECT_EQ(by_stage(steps_of(send.record, made::plan())).at(Stage::packet_snd).evidence,
              Evidence::derived);
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

TEST(Path, DoesNotTakeTheTimeOfAWholeSendmmsgForThatOfOneSend) {
    Send send = made::delivered();
    send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    EXPECT_EQ(duration_ns(send.record), 8'800U);
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
}

}  // namespace
}  // namespace sockray
