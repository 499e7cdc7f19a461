#include "user/analyze/nesting.h"

#include <gtest/gtest.h>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

const Nested* find(const Nesting& nesting, Stage stage) {
    for (const Nested& one : nesting)
        if (one.step.stage == stage) return &one;
    return nullptr;
}

Stage outer_of(const Nesting& nesting, Stage stage) {
    const Nested* one = find(nesting, stage);
    return one && one->outer >= 0 ? nesting[static_cast<std::size_t>(one->outer)].step.stage : Stage::none;
}

TEST(Nesting, StagesOfASendLieInTheStagesAroundThem) {
    const Nesting nesting = nesting_of(made::delivered().record, made::plan());
    ASSERT_EQ(nesting.size, 8U);
    for (const Nested& one : nesting) EXPECT_EQ(one.fit, Fit::span) << stage_name(one.step.stage);
    EXPECT_EQ(outer_of(nesting, Stage::sys_sendto), Stage::none);
    EXPECT_EQ(outer_of(nesting, Stage::sock_sendmsg_inner), Stage::sys_sendto);
    EXPECT_EQ(outer_of(nesting, Stage::alloc), Stage::packet_snd);
    EXPECT_EQ(outer_of(nesting, Stage::start_xmit), Stage::queue_xmit);
    EXPECT_EQ(find(nesting, Stage::start_xmit)->level, 5);
}

TEST(Nesting, StageWithoutTimesIsPassedOver) {
    const Nesting nesting = nesting_of(made::inlined(made::delivered()).record, made::plan(true));
    EXPECT_EQ(find(nesting, Stage::sock_sendmsg_inner), nullptr);
    EXPECT_EQ(outer_of(nesting, Stage::packet_sendmsg), Stage::sys_sendto);
}

TEST(Nesting, StageThatWasNotTimedDoesNotMakeItsNeighbourTheOuterOne) {
    sr_send record = made::delivered().record;
    record.span[SR_SLOT_INNER] = {0, 0};
    const Nesting nesting = nesting_of(record, made::plan());
    EXPECT_EQ(outer_of(nesting, Stage::packet_sendmsg), Stage::sys_sendto);
    EXPECT_EQ(find(nesting, Stage::packet_sendmsg)->fit, Fit::span);
}

TEST(Nesting, WhatComesBehindTheSendIsBehind) {
    const Nesting nesting = nesting_of(made::followed().record, made::plan());
    EXPECT_EQ(find(nesting, Stage::enqueue)->fit, Fit::moment);
    for (const Stage stage : {Stage::dequeue, Stage::ndo, Stage::packet_rcv, Stage::freed})
        EXPECT_EQ(find(nesting, stage)->fit, Fit::behind) << stage_name(stage);
}

TEST(Nesting, DriverOnAnotherCpuThatRunsBesideTheSendIsBehindToo) {
    sr_send record = made::followed().record;
    record.span[SR_SLOT_NDO] = {1'008'800, 1'009'300};  // __dev_queue_xmit ends in between
    EXPECT_EQ(find(nesting_of(record, made::plan()), Stage::ndo)->fit, Fit::behind);
}

TEST(Nesting, StageWithoutItsEndIsOpenAndHoldsNothing) {
    sr_send record = made::delivered().record;
    record.span[SR_SLOT_XMIT].end = 0;
    const Nesting nesting = nesting_of(record, made::plan());
    EXPECT_EQ(find(nesting, Stage::queue_xmit)->fit, Fit::open);
    EXPECT_EQ(outer_of(nesting, Stage::start_xmit), Stage::packet_snd);
    EXPECT_EQ(find(nesting, Stage::start_xmit)->fit, Fit::span);
}

TEST(Nesting, StageThatReachesBeyondTheOneAroundItIsAskew) {
    sr_send record = made::delivered().record;
    record.span[SR_SLOT_DRIVER].end = record.span[SR_SLOT_XMIT].end + 1;
    EXPECT_EQ(find(nesting_of(record, made::plan()), Stage::start_xmit)->fit, Fit::askew);
}

TEST(Nesting, StageThatOverlapsItsNeighbourIsAskew) {
    sr_send record = made::delivered().record;
    record.span[SR_SLOT_XMIT].start = record.span[SR_SLOT_ALLOC].end - 1;
    const Nesting nesting = nesting_of(record, made::plan());
    EXPECT_EQ(find(nesting, Stage::alloc)->fit, Fit::span);
    EXPECT_EQ(find(nesting, Stage::queue_xmit)->fit, Fit::askew);
}

TEST(Nesting, EntryOfSendmmsgIsTheCallsAndNotTheSends) {
    sr_send record = made::delivered().record;
    record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    const Nesting nesting = nesting_of(record, made::plan());
    EXPECT_EQ(find(nesting, Stage::sys_sendmmsg), nullptr);
    EXPECT_EQ(find(nesting, Stage::sockfd_lookup), nullptr);
    EXPECT_EQ(outer_of(nesting, Stage::sock_sendmsg_inner), Stage::none);

    const Nesting call = call_nesting_of(record, made::plan());
    ASSERT_EQ(call.size, 2U);
    EXPECT_EQ(outer_of(call, Stage::sockfd_lookup), Stage::sys_sendmmsg);
}

TEST(Nesting, OnlyTheSendThatSawTheEndOfItsCallTellsOfIt) {
    sr_send record = made::delivered().record;
    EXPECT_EQ(call_nesting_of(record, made::plan()).size, 0U);
    record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
    record.span[SR_SLOT_ENTRY].end = 0;
    EXPECT_EQ(call_nesting_of(record, made::plan()).size, 0U);
}

TEST(Nesting, CreationOfASocketNests) {
    const Nesting nesting = nesting_of(made::socket(), made::plan());
    ASSERT_EQ(nesting.size, 2U);
    EXPECT_EQ(outer_of(nesting, Stage::packet_create), Stage::sock_create);
}

}  // namespace
}  // namespace sockray
