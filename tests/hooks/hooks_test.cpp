// What the hooks make of a send of which a hook was skipped, and of threads that come and go.
#include <gtest/gtest.h>

#include "tests/hooks/sent.h"

namespace sockray {
namespace {

using namespace hooked;

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

TEST_F(Hooks, CountTheSendsOfThreadsThatFindNoSeat) {
    const unsigned seats = hooks_seats();
    for (unsigned tid = 1; tid <= seats + 16; tid++) send_as(tid);
    EXPECT_EQ(hooks_counters()->sends_emitted, seats);
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

}  // namespace
}  // namespace sockray
