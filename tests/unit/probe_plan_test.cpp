// From a kernel's symbols to the plan and its hooks.
#include "user/probe/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "tests/unit/probe_plans.h"

namespace sockray {
namespace {

using namespace sample;

bool by_tracepoint(Stage stage) {
    return std::ranges::find(tracepoints(), stage, &TracepointRow::stage) != tracepoints().end();
}

// ---- kernels

TEST(ThePlan, OfAKernelLike6_1ProbesEveryStageAndLocatesTheInlinedBodies) {
    const Blueprint plan = made(kernel_6_1());
    for (const StageInfo& info : all_stages) {
        if (info.slot == SR_SLOT_BODY || info.stage == Stage::packet_xmit || by_tracepoint(info.stage)) continue;
        const char* hook = info.stage == Stage::wait ? " kprobe" : " kprobe+kretprobe";
        EXPECT_EQ(line(plan, info.stage), "probed " + std::string(info.name) + hook);
        EXPECT_EQ(plan.plan.find(info.stage)->reason, "");
    }
    EXPECT_EQ(line(plan, Stage::packet_snd), "located packet_sendmsg+1547 kprobe");
    EXPECT_EQ(line(plan, Stage::tpacket_snd), "located packet_sendmsg+74 kprobe");
    EXPECT_EQ(line(plan, Stage::packet_xmit), "absent none") << "packet_snd calls dev_queue_xmit itself there";
    EXPECT_NE(plan.plan.find(Stage::packet_xmit)->reason.find("po->xmit"), std::string::npos);
    EXPECT_EQ(plan.plan.find(Stage::packet_snd)->reason,
              "inlined: packet_sendmsg tests tx_ring.pg_vec at +55 and branches at +68");
}

TEST(ThePlan, OfAKernelLike6_12DerivesWhatWasInlinedThere) {
    const Blueprint plan = made(kernel_6_12());
    EXPECT_EQ(line(plan, Stage::sockfd_lookup), "derived none");
    EXPECT_EQ(line(plan, Stage::sock_sendmsg_inner), "derived none");
    EXPECT_NE(plan.plan.find(Stage::sockfd_lookup)->reason, "");
    EXPECT_NE(plan.plan.find(Stage::sock_sendmsg_inner)->reason, "");
    EXPECT_EQ(line(plan, Stage::packet_sendmsg), "probed packet_sendmsg kprobe+kretprobe");
    EXPECT_EQ(line(plan, Stage::packet_snd), "located packet_sendmsg+1547 kprobe");
    EXPECT_TRUE(hooks_of(plan, Stage::sockfd_lookup).empty());
    EXPECT_TRUE(hooks_of(plan, Stage::sock_sendmsg_inner).empty());
    EXPECT_EQ(line(plan, Stage::packet_xmit), "probed packet_xmit kprobe+kretprobe");
}

// Tracepoints are part of every kernel that can trace: no symbol is looked up for them.
TEST(ThePlan, KnowsQueueDriverAndTheEndOfTheFrameByTracepoints) {
    for (const Names& kernel : {kernel_6_1(), kernel_6_12(), Names{"packet_sendmsg"}}) {
        const Blueprint plan = made(kernel);
        EXPECT_EQ(line(plan, Stage::enqueue), "probed qdisc_enqueue tracepoint");
        EXPECT_EQ(line(plan, Stage::dequeue), "probed qdisc_dequeue tracepoint");
        EXPECT_EQ(line(plan, Stage::ndo), "probed net_dev_start_xmit tracepoint");
        EXPECT_EQ(line(plan, Stage::freed), "probed consume_skb tracepoint");
        for (const Stage stage : {Stage::enqueue, Stage::dequeue, Stage::ndo, Stage::freed}) {
            EXPECT_NE(plan.plan.find(stage)->reason, "") << "where the hook sits is not in the stage's name";
            EXPECT_TRUE(hooks_of(plan, stage).empty()) << "a hook is a kprobe";
        }
    }
}

TEST(ThePlan, HasOneLineForEachStageInTheOrderOfTheStages) {
    for (const Names& kernel : {kernel_6_1(), kernel_6_12(), Names{"packet_sendmsg"}})
        for (const StageSet stages : {core_stages, chain_stages, device_stages, full_stages}) {
            const Blueprint plan = made(kernel, bodies(), stages);
            ASSERT_EQ(plan.plan.lines.size(), all_stages.size());
            for (std::size_t i = 0; i < all_stages.size(); i++)
                EXPECT_EQ(plan.plan.lines[i].stage, all_stages[i].stage);
        }
}

TEST(ThePlan, GivesAReasonForEveryStageThatHasNoHookOfItsOwn) {
    for (const Names& kernel : {kernel_6_1(), kernel_6_12(), Names{"packet_sendmsg"}})
        for (const Result<InlinedBodies>& found : {bodies(), Result<InlinedBodies>(fail("not found"))})
            for (const PlanLine& line : made(kernel, found).plan.lines) {
                if (line.evidence == Evidence::probed) continue;
                EXPECT_NE(line.reason, "") << stage_name(line.stage);
                EXPECT_EQ(line.hook == "none", line.evidence != Evidence::located) << stage_name(line.stage);
            }
}

TEST(ThePlan, OfAKernelWithoutPacketSendmsgIsRefusedWithARemedy) {
    const auto plan = make_plan(symbols_of(without(kernel_6_1(), "packet_sendmsg")), bodies());
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::not_allowed);
    EXPECT_NE(plan.error().what.find("packet_sendmsg"), std::string::npos) << plan.error().what;
    EXPECT_NE(plan.error().remedy.find("modprobe af_packet"), std::string::npos) << plan.error().remedy;
}

TEST(ThePlan, NeedsNothingButPacketSendmsg) {
    const Blueprint plan = made({"_stext", "packet_sendmsg"});
    EXPECT_EQ(line(plan, Stage::packet_sendmsg), "probed packet_sendmsg kprobe+kretprobe");
    EXPECT_EQ(line(plan, Stage::start_xmit), "absent none");
    EXPECT_EQ(line(plan, Stage::queue_xmit), "absent none");
    EXPECT_EQ(plan.hooks.size(), 4U) << "two of packet_sendmsg, two inside of it";
}

// ---- the inlined bodies

TEST(ThePlan, DerivesTheBodiesWhereTheyWereNotFoundAndSaysWhy) {
    const Blueprint plan = made(kernel_6_1(), fail("no test of pg_vec before the first call"));
    for (const Stage stage : {Stage::packet_snd, Stage::tpacket_snd}) {
        EXPECT_EQ(line(plan, stage), "derived none");
        const std::string& reason = plan.plan.find(stage)->reason;
        EXPECT_NE(reason.find("follows from tx_ring.pg_vec"), std::string::npos) << reason;
        EXPECT_NE(reason.find("no test of pg_vec before the first call"), std::string::npos) << reason;
        EXPECT_TRUE(hooks_of(plan, stage).empty());
    }
}

TEST(ThePlan, ProbesABodyThatHasASymbolOfItsOwn) {
    const Blueprint plan = made(with(kernel_6_1(), {"packet_snd"}), fail("not found"));
    EXPECT_EQ(line(plan, Stage::packet_snd), "probed packet_snd kprobe");
    EXPECT_EQ(line(plan, Stage::tpacket_snd), "derived none");
}

TEST(ThePlan, ProbesABodyUnderTheNameThatGccMadeOfIt) {
    const Blueprint plan = made(with(kernel_6_1(), {"packet_snd.isra.0", "tpacket_snd.constprop.0"}));
    EXPECT_EQ(line(plan, Stage::packet_snd), "probed packet_snd.isra.0 kprobe");
    EXPECT_EQ(line(plan, Stage::tpacket_snd), "probed tpacket_snd.constprop.0 kprobe");
    EXPECT_EQ(plan.plan.find(Stage::packet_snd)->reason, "under this name on this kernel");
}

// ---- names

TEST(ThePlan, HooksADerivedNameWhereNoArgumentsAreRead) {
    const Blueprint plan =
        made(with(without(without(kernel_6_1(), "packet_create"), "__sock_sendmsg"),
                  {"packet_create.isra.0", "packet_create.isra.0.cold", "__sock_sendmsg.constprop.0"}));
    EXPECT_EQ(line(plan, Stage::packet_create), "probed packet_create.isra.0 kprobe+kretprobe");
    EXPECT_EQ(line(plan, Stage::sock_sendmsg_inner), "probed __sock_sendmsg.constprop.0 kprobe+kretprobe");
}

// .isra.0 may take other arguments than the function.
TEST(ThePlan, HooksNoDerivedNameWhereArgumentsAreRead) {
    const Blueprint plan = made(with(without(without(kernel_6_1(), "__sock_create"), "sock_alloc_send_pskb"),
                                     {"__sock_create.isra.0", "sock_alloc_send_pskb.constprop.0"}));
    EXPECT_EQ(line(plan, Stage::sock_create), "absent none");
    EXPECT_EQ(line(plan, Stage::alloc), "absent none");
}

TEST(ThePlan, OfAKernelWithOnlyADerivedPacketSendmsgIsRefused) {
    const auto plan =
        make_plan(symbols_of(with(without(kernel_6_1(), "packet_sendmsg"), {"packet_sendmsg.isra.0"})), bodies());
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().kind, ErrorKind::not_allowed);
}

TEST(ThePlan, NeverHooksTheUnlikelyHalfOfAFunction) {
    const Blueprint plan = made(with(without(kernel_6_1(), "packet_create"), {"packet_create.cold"}));
    EXPECT_EQ(line(plan, Stage::packet_create), "absent none");
    for (const Hook& hook : plan.hooks) EXPECT_EQ(hook.function.find(".cold"), std::string::npos) << hook.function;
}

TEST(ThePlan, PrefersAFunctionsOwnNameToOneThatGccMade) {
    const Blueprint plan = made(with(kernel_6_1(), {"packet_create.isra.0"}));
    EXPECT_EQ(line(plan, Stage::packet_create), "probed packet_create kprobe+kretprobe");
}

TEST(ThePlan, TakesTheNameThatAFunctionHadBefore) {
    const Blueprint plan = made(with(without(without(kernel_6_1(), "__dev_queue_xmit"), "__dev_direct_xmit"),
                                     {"dev_queue_xmit", "dev_direct_xmit"}));
    EXPECT_EQ(line(plan, Stage::queue_xmit), "probed dev_queue_xmit kprobe+kretprobe");
    EXPECT_EQ(line(plan, Stage::direct_xmit), "probed dev_direct_xmit kprobe+kretprobe");
    EXPECT_EQ(plan.plan.find(Stage::queue_xmit)->reason, "under this name on this kernel");
}

// ---- hooks

TEST(TheHooks, AreEntriesFirstAndReturnsThen) {
    for (const Names& kernel : {kernel_6_1(), kernel_6_12()}) {
        const Blueprint plan = made(kernel);
        EXPECT_TRUE(std::is_partitioned(plan.hooks.begin(), plan.hooks.end(),
                                        [](const Hook& hook) { return !hook.on_return; }));
    }
}

TEST(TheHooks, AreThoseThatThePlanNames) {
    for (const Names& kernel : {kernel_6_1(), kernel_6_12()}) {
        const Blueprint plan = made(kernel);
        for (const PlanLine& line : plan.plan.lines) {
            const std::vector<Hook> hooks = hooks_of(plan, line.stage);
            const bool attached_elsewhere = line.hook == "none" || line.hook == "tracepoint";
            const std::size_t expected = attached_elsewhere ? 0 : line.hook == "kprobe" ? 1 : 2;
            ASSERT_EQ(hooks.size(), expected) << stage_name(line.stage);
            for (const Hook& hook : hooks) {
                EXPECT_EQ(hook.function, line.function);
                EXPECT_EQ(hook.offset, line.offset);
                EXPECT_NE(hook.program, "");
            }
            if (expected == 2) {
                EXPECT_FALSE(hooks[0].on_return);
                EXPECT_TRUE(hooks[1].on_return);
                EXPECT_NE(hooks[0].program, hooks[1].program);
            }
        }
    }
}

TEST(TheTable, HasOneRowForEachStageThatIsAFunctionAndTracepointsForTheOthers) {
    std::multiset<Stage> rows;
    for (const TracepointRow& row : tracepoints())
        if (!row.reason.empty()) rows.insert(row.stage);
    for (const HookRow& row : hook_rows()) {
        rows.insert(row.stage);
        EXPECT_FALSE(row.functions[0].empty()) << stage_name(row.stage);
        EXPECT_FALSE(row.enter.empty()) << stage_name(row.stage);
    }
    for (const StageInfo& info : all_stages) EXPECT_EQ(rows.count(info.stage), 1U) << info.name;
    EXPECT_EQ(rows.size(), all_stages.size());
}

TEST(TheTable, OfTracepointsHasAProgramForEachAndOneReasonAStage) {
    std::set<std::string_view> names;
    std::set<std::string_view> programs;
    std::set<Stage> explained;
    for (const TracepointRow& row : tracepoints()) {
        EXPECT_TRUE(names.insert(row.tracepoint).second) << row.tracepoint;
        EXPECT_TRUE(programs.insert(row.program).second) << row.program;
        EXPECT_EQ(explained.insert(row.stage).second, !row.reason.empty()) << row.tracepoint;
    }
    // Outcomes need to know of the driver and of drops whatever is shown.
    for (const TracepointRow& row : tracepoints())
        EXPECT_EQ(row.always, row.stage == Stage::ndo || row.stage == Stage::freed) << row.tracepoint;
}

TEST(TheTable, BeginsWithTheNameOfTheStage) {
    for (const HookRow& row : hook_rows()) EXPECT_EQ(row.functions[0], stage_name(row.stage));
}

// ---- kinds of hook

Blueprint chosen(std::optional<Backend> only, const std::vector<Refusal>& refusals = {}) {
    Blueprint plan = made(kernel_6_12());
    const Status status = choose_backends(plan, only, refusals);
    EXPECT_TRUE(status) << status.error().what;
    return plan;
}

// "fentry refused, kprobe-multi taken, kprobe not tried"
std::string verdicts(const Blueprint& blueprint, Stage stage) {
    std::string text;
    for (const Alternative& one : blueprint.plan.find(stage)->alternatives)
        text += (text.empty() ? "" : ", ") + one.backend + " " + one.verdict;
    return text;
}

std::vector<Refusal> all_refuse(Backend backend) {
    std::vector<Refusal> refusals;
    for (const StageInfo& info : all_stages) refusals.push_back({info.stage, backend, "not here"});
    return refusals;
}

TEST(TheBackends, AreTheCheapestThatNobodyRefuses) {
    EXPECT_EQ(line(chosen({}), Stage::alloc), "probed sock_alloc_send_pskb fentry+fexit");
    const Blueprint plan = chosen({}, {{Stage::alloc, Backend::fentry, "no BTF"}});
    EXPECT_EQ(line(plan, Stage::alloc), "probed sock_alloc_send_pskb kprobe.multi+kretprobe.multi");
    EXPECT_EQ(line(plan, Stage::queue_xmit), "probed __dev_queue_xmit fentry+fexit") << "only where it was refused";
    EXPECT_EQ(verdicts(plan, Stage::alloc), "fentry refused, kprobe-multi taken, kprobe not tried");
    EXPECT_EQ(plan.plan.find(Stage::alloc)->alternatives[0].reason, "no BTF");
}

TEST(TheBackends, OfALocatedBodyAreKprobesAlone) {
    for (const auto only : {std::optional<Backend>(), std::optional(Backend::fentry), std::optional(Backend::kprobe)}) {
        const Blueprint plan = chosen(only);
        EXPECT_EQ(line(plan, Stage::packet_snd), "located packet_sendmsg+1547 kprobe");
        EXPECT_EQ(verdicts(plan, Stage::packet_snd), "fentry refused, kprobe-multi refused, kprobe taken");
        EXPECT_EQ(hooks_of(plan, Stage::packet_snd)[0].program, "body_hit");
    }
}

TEST(TheBackends, OfEntryAndReturnOfOneFunctionAreTheSame) {
    for (const auto& refusals : {std::vector<Refusal>{}, all_refuse(Backend::fentry)})
        for (const Hook& hook : chosen({}, refusals).hooks)
            for (const Hook& other : chosen({}, refusals).hooks)
                if (hook.stage == other.stage) {
                    EXPECT_EQ(hook.backend, other.backend) << stage_name(hook.stage);
                }
}

TEST(TheBackends, HaveProgramsOfTheirOwn) {
    const auto programs = [](const Blueprint& plan) {
        return hooks_of(plan, Stage::alloc)[0].program + " " + hooks_of(plan, Stage::alloc)[1].program;
    };
    EXPECT_EQ(programs(chosen(Backend::fentry)), "fentry_sock_alloc_send_pskb fexit_sock_alloc_send_pskb");
    EXPECT_EQ(programs(chosen(Backend::kprobe_multi)), "multi_enter multi_exit");
    EXPECT_EQ(programs(chosen(Backend::kprobe)), "alloc_enter alloc_exit");
}

TEST(TheBackends, ThatWereAskedForGiveWayToKprobesWhereTheyAreRefused) {
    const Blueprint plan = chosen(Backend::fentry, {{Stage::alloc, Backend::fentry, "no BTF"}});
    EXPECT_EQ(line(plan, Stage::alloc), "probed sock_alloc_send_pskb kprobe+kretprobe");
    EXPECT_EQ(verdicts(plan, Stage::alloc), "fentry refused, kprobe-multi not tried, kprobe taken");
}

TEST(TheBackends, ThatWereAskedForAndDoNotWorkAreAnError) {
    Blueprint plan = made(kernel_6_12());
    const Status status = choose_backends(plan, Backend::kprobe_multi, all_refuse(Backend::kprobe_multi));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::not_allowed);
    EXPECT_NE(status.error().what.find("--backend kprobe-multi"), std::string::npos) << status.error().what;
    EXPECT_NE(status.error().what.find("not here"), std::string::npos) << status.error().what;
}

TEST(TheBackends, ThatAllRefuseAStageLeaveItAbsentWithTheirReasons) {
    const Blueprint plan = chosen({}, {{Stage::alloc, Backend::fentry, "no BTF"},
                                       {Stage::alloc, Backend::kprobe_multi, "no fprobe"},
                                       {Stage::alloc, Backend::kprobe, "blacklisted"}});
    EXPECT_EQ(line(plan, Stage::alloc), "absent none");
    EXPECT_EQ(plan.plan.find(Stage::alloc)->reason, "fentry: no BTF; kprobe-multi: no fprobe; kprobe: blacklisted");
    EXPECT_TRUE(hooks_of(plan, Stage::alloc).empty());
}

TEST(TheBackends, ThatWereTriedSayWhetherTheyWork) {
    Blueprint plan = chosen({});
    note_trial(plan.plan, Stage::alloc, Backend::kprobe_multi, "");
    note_trial(plan.plan, Stage::alloc, Backend::kprobe, "blacklisted");
    note_trial(plan.plan, Stage::alloc, Backend::fentry, "never asked: it is taken");
    EXPECT_EQ(verdicts(plan, Stage::alloc), "fentry taken, kprobe-multi works, kprobe refused");
    EXPECT_EQ(plan.plan.find(Stage::alloc)->alternatives[2].reason, "blacklisted");
}

// ---- taking a stage out again

TEST(Withdrawing, ALocatedBodyLeavesItDerivedWithTheReason) {
    Blueprint plan = made(kernel_6_12());
    withdraw(plan, Stage::packet_snd, "not located: the check send hit it 0 times");
    EXPECT_EQ(line(plan, Stage::packet_snd), "derived none");
    EXPECT_TRUE(plan.plan.find(Stage::packet_snd)->reason.ends_with("; not located: the check send hit it 0 times"));
    EXPECT_TRUE(hooks_of(plan, Stage::packet_snd).empty());
    EXPECT_EQ(hooks_of(plan, Stage::tpacket_snd).size(), 1U) << "the other stays";
}

TEST(Withdrawing, AProbedStageTakesBothItsHooksAndLeavesItAbsent) {
    Blueprint plan = made(kernel_6_12());
    withdraw(plan, Stage::direct_xmit, "cannot be attached");
    EXPECT_EQ(line(plan, Stage::direct_xmit), "absent none");
    EXPECT_EQ(plan.plan.find(Stage::direct_xmit)->reason, "cannot be attached");
    EXPECT_TRUE(hooks_of(plan, Stage::direct_xmit).empty());
    EXPECT_EQ(plan.plan.lines.size(), all_stages.size());
}

}  // namespace
}  // namespace sockray
