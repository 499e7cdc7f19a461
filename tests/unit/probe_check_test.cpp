// What the check sends prove of the located stages.
#include "user/probe/check_send.h"

#include <gtest/gtest.h>

#include "tests/unit/probe_kernels.h"

namespace sockray {
namespace {

using sample::kernel_6_12;
using sample::symbols_of;

Plan located_plan() {
    return make_plan(symbols_of(kernel_6_12()), sample::bodies())->plan;
}

// A check send that went as it should: entry, one hit, the next stage.
sr_send check(bool tx_ring) {
    sr_send send{};
    send.flags = SR_SEND_RETURNED | (tx_ring ? SR_SEND_TX_RING : 0);
    send.body_hits = 1;
    send.stage[SR_SLOT_SENDMSG] = SR_STAGE_PACKET_SENDMSG;
    send.stage[SR_SLOT_BODY] = tx_ring ? SR_STAGE_TPACKET_SND : SR_STAGE_PACKET_SND;
    send.span[SR_SLOT_SENDMSG] = {1000, 2000};
    send.span[SR_SLOT_BODY].start = 1100;
    if (!tx_ring) {
        send.stage[SR_SLOT_ALLOC] = SR_STAGE_ALLOC;
        send.span[SR_SLOT_ALLOC] = {1200, 1300};
    }
    return send;
}

struct Review {
    Plan plan = located_plan();
    CheckRecords records{{check(false), check(true)}, {}};
    CheckVerdict verdict;

    void run() { verdict = review_check(plan, records, symbols_of(kernel_6_12())); }
    const std::string& reason(Stage stage) const { return plan.find(stage)->reason; }
    // Why a stage was withdrawn; empty where it was not.
    std::string withdrawn(Stage stage) const {
        for (const auto& withdrawal : verdict.withdrawn)
            if (withdrawal.stage == stage) return withdrawal.reason;
        return "";
    }
};

TEST(TheCheck, ConfirmsALocatedStageThatWasHitOnceBetweenItsNeighbours) {
    Review review;
    review.run();
    EXPECT_TRUE(review.verdict.withdrawn.empty());
    EXPECT_EQ(review.reason(Stage::packet_snd),
              "inlined: packet_sendmsg tests tx_ring.pg_vec at +55 and branches at +68; checked: a send hit it once, "
              "after packet_sendmsg's entry and before sock_alloc_send_pskb");
    EXPECT_TRUE(review.reason(Stage::tpacket_snd).ends_with("and before its return"))
        << "an empty ring allocates nothing";
    EXPECT_EQ(review.plan.evidence(Stage::packet_snd), Evidence::located);
}

TEST(TheCheck, WithoutPrivilegesForANamespaceStillConfirmsByTheRefusedSend) {
    Review review;
    review.records.sends[0].span[SR_SLOT_ALLOC] = {0, 0};
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::packet_snd), "");
    EXPECT_TRUE(review.reason(Stage::packet_snd).ends_with("and before its return"));
}

TEST(TheCheck, WithdrawsAStageThatWasNotHit) {
    Review review;
    review.records.sends[0].body_hits = 0;
    review.records.sends[0].stage[SR_SLOT_BODY] = 0;
    review.records.sends[0].span[SR_SLOT_BODY].start = 0;
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::packet_snd), "not located: the check send hit it 0 times instead of once");
    EXPECT_EQ(review.withdrawn(Stage::tpacket_snd), "");
}

TEST(TheCheck, WithdrawsAStageThatWasHitTwice) {
    Review review;
    review.records.sends[1].body_hits = 2;
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::packet_snd), "");
    EXPECT_EQ(review.withdrawn(Stage::tpacket_snd), "not located: the check send hit it 2 times instead of once");
}

TEST(TheCheck, WithdrawsAStageThatWasHitBeforeTheEntry) {
    Review review;
    review.records.sends[0].span[SR_SLOT_BODY].start = 999;
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::packet_snd), "not located: the check send hit it out of order");
}

TEST(TheCheck, WithdrawsAStageThatWasHitBehindTheNextOne) {
    Review review;
    review.records.sends[0].span[SR_SLOT_BODY].start = 1201;
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::packet_snd), "not located: the check send hit it out of order");
    review = {};
    review.records.sends[1].span[SR_SLOT_BODY].start = 2001;
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::tpacket_snd), "not located: the check send hit it out of order");
}

TEST(TheCheck, WithdrawsBothWhereTheOneWasFoundForTheOther) {
    Review review;
    std::swap(review.records.sends[0].stage[SR_SLOT_BODY], review.records.sends[1].stage[SR_SLOT_BODY]);
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::packet_snd), "not located: the check send went through tpacket_snd");
    EXPECT_EQ(review.withdrawn(Stage::tpacket_snd), "not located: the check send went through packet_snd");
}

TEST(TheCheck, WithdrawsBothWithoutARecord) {
    Review review;
    review.records.sends.clear();
    review.run();
    EXPECT_EQ(review.withdrawn(Stage::packet_snd), "not located: the check send left no record");
    EXPECT_EQ(review.withdrawn(Stage::tpacket_snd), "not located: the check send left no record");
}

TEST(TheCheck, LeavesStagesAloneThatWereNotLocated) {
    Review review;
    review.plan = make_plan(symbols_of(sample::with(kernel_6_12(), {"packet_snd"})), fail("not found"))->plan;
    const Plan before = review.plan;
    review.records.sends.clear();
    review.run();
    EXPECT_TRUE(review.verdict.withdrawn.empty());
    EXPECT_EQ(review.reason(Stage::packet_snd), before.find(Stage::packet_snd)->reason);
    EXPECT_EQ(review.reason(Stage::tpacket_snd), before.find(Stage::tpacket_snd)->reason);
}

TEST(TheCheck, FindsTheSendOfEachKindAmongOthersInAnyOrder) {
    Review review;
    std::swap(review.records.sends[0], review.records.sends[1]);
    review.run();
    EXPECT_TRUE(review.verdict.withdrawn.empty());
}

// ---- the stack

sr_stack stack_of(const std::vector<std::uint64_t>& addresses) {
    sr_stack stack{};
    std::copy(addresses.begin(), addresses.end(), std::begin(stack.address));
    return stack;
}

std::uint64_t in(std::string_view function, std::uint64_t offset) {
    return sample::address_of(kernel_6_12(), function) + offset;
}

TEST(TheChecksStack, TellsWhoCalledPacketSendmsgWhereSockSendmsgWasInlined) {
    Review review;
    review.records.stacks = {stack_of(
        {in("packet_sendmsg", 1), in("__sys_sendto", 0x1f4), in("sock_write_iter", 0x20), in("__sock_create", 4)})};
    review.run();
    EXPECT_TRUE(review.reason(Stage::sock_sendmsg_inner)
                    .ends_with("goes from packet_sendmsg straight to __sys_sendto+0x1f4 < sock_write_iter+0x20"))
        << review.reason(Stage::sock_sendmsg_inner);
}

// With fentry: the program and the trampolines of packet_sendmsg and of its callers stand in between.
TEST(TheChecksStack, LeavesOutWhatTheHooksThemselvesPutThere) {
    Review review;
    const sample::Names names = sample::with(kernel_6_12(), {"_etext"});
    constexpr std::uint64_t trampoline = 0xffffffffc0201000;
    review.records.stacks = {stack_of({trampoline, trampoline + 8, in("packet_sendmsg", 5), trampoline + 80,
                                       in("__sys_sendto", 0x1df), trampoline + 90, in("sock_write_iter", 4)})};
    review.verdict = review_check(review.plan, review.records, symbols_of(names));
    EXPECT_TRUE(review.reason(Stage::sock_sendmsg_inner)
                    .ends_with("goes from packet_sendmsg straight to __sys_sendto+0x1df < sock_write_iter+0x4"))
        << review.reason(Stage::sock_sendmsg_inner);
}

TEST(TheChecksStack, MayBeginWithTheCaller) {
    Review review;
    review.records.stacks = {stack_of({in("__sys_sendto", 0x1f4)})};
    review.run();
    EXPECT_TRUE(review.reason(Stage::sock_sendmsg_inner).ends_with("straight to __sys_sendto+0x1f4"));
}

TEST(TheChecksStack, OfFullDepthIsReadToItsEndAndNotBeyond) {
    Review review;
    review.records.stacks = {stack_of(std::vector<std::uint64_t>(SR_STACK_DEPTH, in("packet_sendmsg", 1)))};
    const std::string before = review.reason(Stage::sock_sendmsg_inner);
    review.run();
    EXPECT_EQ(review.reason(Stage::sock_sendmsg_inner), before) << "nobody called it";
}

TEST(TheChecksStack, ThatIsEmptyChangesNothing) {
    Review review;
    const std::string before = review.reason(Stage::sock_sendmsg_inner);
    review.records.stacks = {sr_stack{}};
    review.run();
    EXPECT_EQ(review.reason(Stage::sock_sendmsg_inner), before);
}

TEST(TheChecksStack, SaysNothingWhereSockSendmsgHasAHookOfItsOwn) {
    Review review;
    review.plan = make_plan(symbols_of(sample::kernel_6_1()), sample::bodies())->plan;
    review.records.stacks = {stack_of({in("__sys_sendto", 0x1f4)})};
    review.run();
    EXPECT_EQ(review.reason(Stage::sock_sendmsg_inner), "");
}

}  // namespace
}  // namespace sockray
