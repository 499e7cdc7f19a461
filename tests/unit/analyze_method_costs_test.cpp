#include "user/analyze/method_costs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/report/method_costs_json.h"
#include "user/report/method_costs_text.h"

namespace sockray {
namespace {

// 1000 frames a round, a call each, in `us` microseconds, of which the call takes all.
MethodRound round_of(std::uint64_t us, std::uint64_t frames = 1000) {
    return {frames, 0, frames, us * frames * 1000, us * frames * 1000};
}

// `rounds` rounds, the later the slower, as all are on a machine that gets busy.
MethodRuns runs_of(const std::string& method, std::uint64_t us, std::uint64_t scale, unsigned rounds = 5) {
    MethodRuns runs;
    runs.method = method;
    const Plan plan = made::plan();
    for (unsigned round = 0; round < rounds; round++) {
        runs.untraced.push_back(round_of(us * (10 + round)));
        runs.traced.push_back(round_of(12 * scale));
        MethodTimes& times = runs.times.emplace_back();
        times.add(made::delivered(1, 1'000'000, scale), plan);
    }
    return runs;
}

const MethodPart* part(const MethodCost& cost, Stage stage) {
    for (const MethodPart& one : cost.parts)
        if (one.stage == stage) return &one;
    return nullptr;
}

TEST(TheOrderOfARound, HasEachWayOnceAndIsAnotherInEachRound) {
    constexpr unsigned rounds = 5;
    constexpr std::size_t ways = 18;
    std::set<std::size_t> firsts, lasts;
    std::set<std::vector<std::size_t>> orders;
    for (unsigned round = 0; round < rounds; round++) {
        std::vector<std::size_t> order = order_of_round(ways, round, rounds);
        firsts.insert(order.front());
        lasts.insert(order.back());
        orders.insert(order);
        std::ranges::sort(order);
        for (std::size_t i = 0; i < ways; i++) EXPECT_EQ(order.at(i), i);
    }
    EXPECT_EQ(orders.size(), rounds);
    EXPECT_GE(firsts.size(), rounds - 1) << "none is always the one that warms the machine";
    EXPECT_GE(lasts.size(), rounds - 1);
}

TEST(TheOrderOfARound, PutsAnotherWayBeforeEachFromRoundToRound) {
    const std::vector<std::size_t> one = order_of_round(6, 0, 2), two = order_of_round(6, 1, 2);
    EXPECT_EQ(one, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5}));
    for (std::size_t i = 1; i < one.size(); i++) {
        const auto at = std::ranges::find(two, one[i]) - two.begin();
        EXPECT_TRUE(at == 0 || two[static_cast<std::size_t>(at) - 1] != one[i - 1]);
    }
    EXPECT_EQ(order_of_round(1, 0, 1), std::vector<std::size_t>{0});
}

TEST(MethodCosts, AreHeldAgainstTheFirstWithinEachRound) {
    const std::vector<MethodRuns> runs{runs_of("sendto", 4, 1), runs_of("sendmmsg", 2, 1)};
    const auto costs = method_costs(runs);
    ASSERT_EQ(costs.size(), 2U);
    EXPECT_DOUBLE_EQ(costs[1].ratio.median, 2);
    EXPECT_DOUBLE_EQ(costs[1].ratio.low, 2);  // though the rounds themselves differ by 40 %
    EXPECT_DOUBLE_EQ(costs[1].ratio.high, 2);
    EXPECT_LT(costs[1].frames_a_second.low, costs[1].frames_a_second.high);
    EXPECT_DOUBLE_EQ(costs[0].frames_a_call, 1);
    EXPECT_EQ(costs[0].frames, 5000U);
}

TEST(MethodCosts, OfAllPartsAddUpToTheWholeCall) {
    const auto costs = method_costs(std::vector{runs_of("sendto", 1, 1)});
    double sum = 0;
    for (const MethodPart& one : costs[0].parts) sum += one.ns.median;
    EXPECT_DOUBLE_EQ(sum, costs[0].traced_ns.median);
    EXPECT_DOUBLE_EQ(part(costs[0], Stage::none)->ns.median, 12'000 - 8'200);
    EXPECT_DOUBLE_EQ(part(costs[0], Stage::alloc)->ns.median, 1'300);
    EXPECT_DOUBLE_EQ(part(costs[0], Stage::queue_xmit)->ns.median, 5'500 - 3'500);
    for (const MethodPart& one : costs[0].parts) EXPECT_FALSE(one.stands_out);
}

// A machine that is slow now in one stage and now in another: the medians are of different rounds.
TEST(MethodCosts, OfDifferentRoundsAddUpToTheWholeWithTheRest) {
    MethodRuns runs = runs_of("sendto", 1, 1, 3);
    for (const std::size_t round : {0U, 1U}) {
        Send send = made::delivered();
        for (int slot = SR_SLOT_ENTRY; slot < SR_SLOT_COUNT; slot++) {
            sr_span& span = send.record.span[slot];
            if (span.end && (slot < SR_SLOT_XMIT || round)) span.end += 4'000;
        }
        runs.times[round] = {};
        runs.times[round].add(send, made::plan());
        runs.traced[round].call_ns += 4'000 * runs.traced[round].frames * (round ? 3 : 1);
    }
    const auto costs = method_costs(std::vector{runs});
    double sum = costs[0].rest_ns;
    for (const MethodPart& one : costs[0].parts) sum += one.ns.median;
    EXPECT_NE(costs[0].rest_ns, 0);
    EXPECT_DOUBLE_EQ(sum, costs[0].traced_ns.median);
    fmt::memory_buffer out;
    append_method_costs_text(out, costs, {"veth0", 1000, 3, 32}, {});
    EXPECT_NE(fmt::to_string(out).find("  rest  "), std::string::npos) << fmt::to_string(out);
}

TEST(MethodCosts, SayWhichStageMakesTheDifference) {
    MethodRuns slow = runs_of("write", 1, 1);
    for (MethodTimes& times : slow.times) {
        Send send = made::delivered();
        send.record.span[SR_SLOT_ALLOC].end += 600;
        times = {};
        times.add(send, made::plan());
    }
    const auto costs = method_costs(std::vector{runs_of("sendto", 1, 1), slow});
    EXPECT_TRUE(part(costs[1], Stage::alloc)->stands_out);
    EXPECT_DOUBLE_EQ(part(costs[1], Stage::alloc)->more, 600);
    EXPECT_FALSE(part(costs[1], Stage::queue_xmit)->stands_out);
}

// Every second frame is refused, with a record all the same.
MethodRuns half_refused() {
    MethodRuns runs = runs_of("sendto", 1, 1);
    const Plan plan = made::plan();
    for (std::vector<MethodRound>* rounds : {&runs.untraced, &runs.traced})
        for (MethodRound& round : *rounds) {
            round.refused = round.frames / 2;
            round.frames -= round.refused;
        }
    for (MethodTimes& times : runs.times) {
        times = {};
        for (std::uint64_t id = 1; id <= 1000; id += 2) {
            times.add(made::delivered(id), plan);
            times.add(made::failed(id + 1), plan);
        }
    }
    return runs;
}

TEST(MethodCosts, AreOfRefusedFramesTooInTheCallAsInTheStages) {
    const auto costs = method_costs(std::vector{half_refused()});
    EXPECT_EQ(costs[0].frames, 2500U);
    EXPECT_EQ(costs[0].failed, 2500U);
    EXPECT_DOUBLE_EQ(costs[0].call_ns.median, 12'000) << "1000 calls of 12 us";
    EXPECT_DOUBLE_EQ(costs[0].traced_ns.median, 12'000);
    EXPECT_DOUBLE_EQ(part(costs[0], Stage::none)->ns.median, 12'000 - 8'200)
        << "what is around packet_sendmsg has nothing of what refused frames take within it";
    EXPECT_DOUBLE_EQ(part(costs[0], Stage::alloc)->ns.median, 1'300.0 / 2);
    double sum = 0;
    for (const MethodPart& one : costs[0].parts) sum += one.ns.median;
    EXPECT_DOUBLE_EQ(sum, costs[0].traced_ns.median);
    EXPECT_DOUBLE_EQ(costs[0].frames_a_second.median, 500 / 0.012) << "but a rate is of what was taken";
}

TEST(MethodCosts, CountTheFramesOfTheTracedRoundsAndThoseThatTheStagesAreOf) {
    const auto all = method_costs(std::vector{half_refused()})[0];
    EXPECT_EQ(all.traced_frames, 2500U);
    EXPECT_EQ(all.traced_failed, 2500U);
    EXPECT_EQ(all.traced_timed, 5000U);
    const auto few = method_costs(std::vector{runs_of("sendto", 1, 1)})[0];
    EXPECT_EQ(few.traced_frames, 5000U);
    EXPECT_EQ(few.traced_timed, 5U) << "one record a round";
    EXPECT_DOUBLE_EQ(part(few, Stage::none)->ns.median, 12'000 - 8'200) << "a mean of those that are there";
}

TEST(MethodCosts, SayWhichStageIsNotPassed) {
    MethodRuns past = runs_of("sendto", 1, 1);
    for (MethodTimes& times : past.times) {
        Send send = made::delivered();
        made::unpass(send.record, {SR_SLOT_DRIVER});
        times = {};
        times.add(send, made::plan());
    }
    const auto costs = method_costs(std::vector{runs_of("sendto", 1, 1), past});
    EXPECT_FALSE(part(costs[1], Stage::start_xmit)->passed);
    EXPECT_TRUE(part(costs[1], Stage::queue_xmit)->passed);
    EXPECT_TRUE(part(costs[0], Stage::start_xmit)->passed);
}

TEST(MethodCosts, HaveNoStagesWithoutTracing) {
    MethodRuns runs = runs_of("sendto", 1, 1);
    runs.traced.clear();
    runs.times.clear();
    EXPECT_TRUE(method_costs(std::vector{runs})[0].parts.empty());
}

TEST(MethodCosts, TakeTheFirstThatCanSend) {
    MethodRuns refused;
    refused.method = "sendto";
    refused.refused = "no";
    const auto costs = method_costs(std::vector{refused, runs_of("send", 1, 1)});
    EXPECT_EQ(costs[0].refused, "no");
    EXPECT_DOUBLE_EQ(costs[1].ratio.median, 1);
    EXPECT_TRUE(method_costs({}).empty());
    EXPECT_EQ(method_costs(std::vector{refused}).size(), 1U);
}

std::string text_of(const std::vector<MethodCost>& costs, const Ledger* traced = nullptr) {
    fmt::memory_buffer out;
    append_method_costs_text(out, costs, {"veth0", 1000, 5, 32, traced}, {});
    return fmt::to_string(out);
}

TEST(TheMethodsText, HasARowForEachAndTheReasonOfARefusal) {
    MethodRuns refused;
    refused.method = "ring-v1";
    refused.bypass = true;
    refused.refused = "EINVAL\n";
    const auto costs = method_costs(std::vector{runs_of("sendto", 4, 1), runs_of("sendmmsg", 2, 2), refused});
    const std::string text = text_of(costs);
    EXPECT_NE(text.find("METHODS  veth0: 5 rounds of 1000 frames"), std::string::npos) << text;
    EXPECT_NE(text.find("ring-v1 bypass      EINVAL\\x0a"), std::string::npos) << text;
    EXPECT_NE(text.find("STAGES"), std::string::npos) << text;
    EXPECT_NE(text.find("2.00"), std::string::npos) << text;
}

TEST(TheMethodsText, SaysWhatWasRefusedAndWhatHasNoRecordInTracedRounds) {
    const std::string refused = text_of(method_costs(std::vector{half_refused()}));
    EXPECT_NE(refused.find("  2500 of 5000 frames refused, timed too\n"), std::string::npos) << "untraced: " << refused;
    EXPECT_NE(refused.find("    2500 of 5000 frames refused\n"), std::string::npos) << refused;
    EXPECT_EQ(refused.find("without a record"), std::string::npos) << refused;
    const std::string lost = text_of(method_costs(std::vector{runs_of("sendto", 1, 1)}));
    EXPECT_NE(lost.find("    4995 of 5000 frames without a record: the stages are of the others\n"), std::string::npos)
        << lost;
    EXPECT_EQ(lost.find("refused\n"), std::string::npos) << lost;
}

TEST(TheMethodsText, SaysWhatTracingLost) {
    const auto costs = method_costs(std::vector{runs_of("sendto", 4, 1)});
    EXPECT_EQ(text_of(costs).find("TRACING"), std::string::npos);
    Ledger ledger;
    ledger.sends = {1000, 990, {10, 0, 0, 0}};
    ledger.decoded = ledger.decoded_by_outcome[0] = 990;
    ledger.partial = 3;
    const std::string text = text_of(costs, &ledger);
    EXPECT_NE(text.find("TRACING"), std::string::npos) << text;
    EXPECT_NE(text.find("seen 1000 = decoded 990 + lost 10 (no room 10,"), std::string::npos) << text;
    EXPECT_NE(text.find("3 decoded sends lack the return of a stage"), std::string::npos) << text;
    EXPECT_EQ(text.find("do not balance"), std::string::npos) << text;
    ledger.decoded = ledger.decoded_by_outcome[0] = 980;
    EXPECT_NE(text_of(costs, &ledger).find("do not balance"), std::string::npos);
}

TEST(TheMethodsText, LeavesTheStagesOutWithoutTracing) {
    MethodRuns runs = runs_of("sendto", 1, 1);
    runs.traced.clear();
    runs.times.clear();
    EXPECT_EQ(text_of(method_costs(std::vector{runs})).find("STAGES"), std::string::npos);
    MethodRuns refused;
    refused.refused = "no";
    EXPECT_NE(text_of(method_costs(std::vector{refused})).find("METHODS"), std::string::npos);
}

TEST(TheMethodsJson, IsOneValidLineAMethod) {
    MethodRuns refused;
    refused.method = "ring-v1";
    refused.refused = "\xff\"";
    MethodRuns untraced = runs_of("send", 3, 1);
    untraced.times.clear();
    fmt::memory_buffer out;
    append_method_costs_json(out, method_costs(std::vector{runs_of("sendto", 4, 1), refused, untraced}));
    std::istringstream stream(fmt::to_string(out));
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0]["type"], "method");
    EXPECT_EQ(lines[0]["refused"], nullptr);
    EXPECT_NEAR(lines[0]["call_ns"]["min"].get<double>(), 40'000, 1);
    EXPECT_EQ(lines[0]["stages"][0]["name"], nullptr);
    EXPECT_EQ(lines[0]["traced_frames"], 5000);
    EXPECT_EQ(lines[0]["traced_failed"], 0);
    EXPECT_EQ(lines[0]["traced_timed"], 5);
    EXPECT_EQ(lines[1]["refused"], "\\xff\"");
    EXPECT_EQ(lines[2]["traced_call_ns"], nullptr);
    EXPECT_TRUE(lines[2]["stages"].empty());
}

}  // namespace
}  // namespace sockray
