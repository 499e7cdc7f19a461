#include "user/analyze/stacks.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

const StackNode* find(const Stacks& stacks, Stage stage) {
    for (const StackNode& node : stacks.nodes())
        if (node.stage == stage) return &node;
    return nullptr;
}

TEST(Stacks, OwnTimeIsThatOfTheStageWithoutWhatNestsInIt) {
    Stacks stacks;
    stacks.add(made::delivered(), made::plan());
    EXPECT_EQ(find(stacks, Stage::sys_sendto)->self_ns, 10'000U - 400 - 8'800);
    EXPECT_EQ(find(stacks, Stage::packet_snd)->self_ns, 8'000U - 1'300 - 5'500);
    EXPECT_EQ(find(stacks, Stage::start_xmit)->self_ns, 3'500U);
    EXPECT_EQ(find(stacks, Stage::sys_sendto)->total_ns, 10'000U);
}

TEST(Stacks, OwnTimesAddUpToTheTimeOfAllSends) {
    Stacks stacks;
    for (std::uint64_t id = 1; id <= 5; id++) stacks.add(made::delivered(id, id * 1'000'000, id), made::plan());
    std::uint64_t self = 0;
    for (const StackNode& node : stacks.nodes()) self += node.self_ns;
    EXPECT_EQ(self, 10'000U * (1 + 2 + 3 + 4 + 5));
    EXPECT_EQ(stacks.nodes()[0].total_ns, self);
    EXPECT_EQ(stacks.nodes()[0].hits, 5U);
}

TEST(Stacks, TimeOfAStageWithoutItsEndStaysWithTheStageAroundIt) {
    Send send = made::delivered();
    send.record.span[SR_SLOT_DRIVER].end = 0;
    Stacks stacks;
    stacks.add(send, made::plan());
    EXPECT_EQ(find(stacks, Stage::start_xmit), nullptr);
    EXPECT_EQ(find(stacks, Stage::queue_xmit)->self_ns, 5'500U);
}

TEST(Stacks, WhatBecomesOfTheFrameBehindItsSendIsNotTheSendersTime) {
    Stacks stacks;
    stacks.add(made::followed(), made::plan());
    EXPECT_EQ(find(stacks, Stage::ndo), nullptr);
    EXPECT_EQ(stacks.nodes()[0].total_ns, 10'000U);
}

TEST(Stacks, SendmmsgStandsAroundItsSendsWithoutATimeOfItsOwn) {
    Send send = made::delivered();
    send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    Stacks stacks;
    stacks.add(send, made::plan());
    EXPECT_EQ(find(stacks, Stage::sys_sendmmsg)->self_ns, 0U);
    EXPECT_EQ(find(stacks, Stage::sys_sendmmsg)->total_ns, 8'800U);
}

TEST(Stacks, SendWithoutAnyTimeIsCountedAndNothingElse) {
    Send send = made::delivered();
    for (sr_span& span : send.record.span) span.end = 0;
    Stacks stacks;
    stacks.add(send, made::plan());
    EXPECT_EQ(stacks.nodes().size(), 1U);
    EXPECT_EQ(stacks.sends(), 1U);
    EXPECT_EQ(stacks.untimed_sends(), 1U);
}

TEST(Stacks, TasksBeyondThoseKeptAreCountedAndTheKnownOnesGoOn) {
    Stacks stacks;
    Send send = made::delivered();
    for (int task = 0; task < 1000; task++) {
        made::set(send.record.comm, "task" + std::to_string(task));
        stacks.add(send, made::plan());
    }
    EXPECT_EQ(stacks.nodes()[0].inner.size(), Stacks::tasks_kept);
    EXPECT_EQ(stacks.other_sends(), 1000 - Stacks::tasks_kept);
    made::set(send.record.comm, "task0");
    stacks.add(send, made::plan());
    EXPECT_EQ(stacks.other_sends(), 1000 - Stacks::tasks_kept);
    EXPECT_LE(stacks.nodes().size(), Stacks::nodes_kept);
}

}  // namespace
}  // namespace sockray
