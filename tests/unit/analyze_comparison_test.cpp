#include "user/analyze/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tests/unit/comparison_sessions.h"

namespace sockray {
namespace {

using made::Noise;

const StageChange* find(const Comparison& comparison, Stage stage) {
    for (const PathChange& path : comparison.paths)
        for (const StageChange& change : path.times)
            if (change.stage == stage) return &change;
    return nullptr;
}

bool any_slower_or_faster(const Comparison& comparison) {
    for (const PathChange& path : comparison.paths)
        for (const StageChange& stage : path.times)
            if (stage.verdict == TimeVerdict::slower || stage.verdict == TimeVerdict::faster) return true;
    return false;
}

// How many of `seeds` pairs of sessions of the same thing are told apart, with no tolerance at all.
int alarms(int seeds, std::uint64_t sends, const Noise& noise) {
    int count = 0;
    for (int seed = 0; seed < seeds; seed++) {
        Profile a;
        Profile b;
        made::begin(a);
        made::begin(b);
        made::add_sends(a, sends, 2U * static_cast<unsigned>(seed), noise);
        made::add_sends(b, sends, 2U * static_cast<unsigned>(seed) + 1, noise);
        const Comparison comparison = compare(a, b, 0);
        count += comparison.changed() || any_slower_or_faster(comparison);
    }
    return count;
}

// The rate that is promised is 1 %; of 1000 pairs that is 10, and more than 20 come by chance in 1 of 1000 such tests.
TEST(Comparison, CriesWolfOverNoMoreThan1PercentOf1000PairsOfIndependentSends) {
    EXPECT_LE(alarms(1000, 600, {0.3, 0, 1}), 20);
}

TEST(Comparison, CriesWolfOverNoMoreThan1PercentOf1000PairsWithSlowStretches) {
    EXPECT_LE(alarms(1000, 600, {0.1, 0.3, 20}), 20);
}

// Stretches as long as several blocks: a tenth of the session.
TEST(Comparison, RarelyCriesWolfWhereStretchesAreLongerThanBlocks) {
    EXPECT_LE(alarms(300, 600, {0.1, 0.3, 60}), 9);
}

TEST(Comparison, FindsAStageThatIs20PercentSlower) {
    for (unsigned seed = 0; seed < 20; seed++) {
        Profile a;
        Profile b;
        made::begin(a);
        made::begin(b);
        made::add_sends(a, 2000, 2 * seed, {0.2, 0.1, 20});
        made::add_sends(b, 2000, 2 * seed + 1, {0.2, 0.1, 20}, 1.2);
        const Comparison comparison = compare(a, b, 0.1);
        const StageChange* driver = find(comparison, Stage::start_xmit);
        ASSERT_NE(driver, nullptr);
        EXPECT_EQ(driver->verdict, TimeVerdict::slower) << seed << ": " << driver->ratio << " p " << driver->p;
        EXPECT_NEAR(driver->ratio, 1.2, 0.08);
        EXPECT_LT(driver->low, driver->ratio);
        EXPECT_GT(driver->high, driver->ratio);
        EXPECT_TRUE(comparison.changed());
        EXPECT_EQ(find(comparison, Stage::alloc)->verdict, TimeVerdict::same);
        EXPECT_EQ(find(compare(b, a, 0.1), Stage::start_xmit)->verdict, TimeVerdict::faster);
        EXPECT_FALSE(compare(b, a, 0.1).changed());
    }
}

TEST(Comparison, LeavesAStageAloneThatIsSlowerByLessThanTheTolerance) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    made::add_sends(a, 5000, 1, {0.1, 0, 1});
    made::add_sends(b, 5000, 2, {0.1, 0, 1}, 1.2);
    const Comparison comparison = compare(a, b, 0.3);
    EXPECT_LT(find(comparison, Stage::start_xmit)->p, significance);
    EXPECT_EQ(find(comparison, Stage::start_xmit)->verdict, TimeVerdict::same);
    EXPECT_FALSE(comparison.changed());
}

TEST(Comparison, OfASessionWithItselfFindsNothing) {
    Profile a;
    made::begin(a);
    made::add_sends(a, 1000, 1);
    const Comparison comparison = compare(a, a, 0);
    EXPECT_FALSE(comparison.changed());
    EXPECT_FALSE(any_slower_or_faster(comparison));
    EXPECT_TRUE(comparison.evidence.empty());
    EXPECT_EQ(find(comparison, Stage::start_xmit)->ratio, 1);
}

// With `--stages chain` ndo_start_xmit is shown of some sends alone: where it is missing says nothing of the path.
TEST(Comparison, TakesAStageThatIsShownOfSomeSendsAloneForNoPartOfThePath) {
    Plan chain = made::plan();
    chain.find(Stage::ndo)->partly = true;
    Profile a;
    Profile b;
    made::begin(a, chain);
    made::begin(b);
    for (std::uint64_t id = 1; id <= 1000; id++) {
        Send send = made::delivered(id, id * 1'000'000);
        a.send(send);
        made::pass(send.record, SR_SLOT_NDO, Stage::ndo, id * 1'000'000 + 5000, id * 1'000'000 + 6000);
        b.send(send);
    }
    for (const Comparison& comparison : {compare(a, b, 0.2), compare(b, a, 0.2)}) {
        EXPECT_FALSE(comparison.path_changed());
        ASSERT_EQ(comparison.evidence.size(), 1U);
        EXPECT_EQ(comparison.evidence[0].stage, Stage::ndo);
    }
}

TEST(Comparison, TakesFailuresOfFramesOfEveryLengthForOneReason) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    Send send = made::failed();
    for (const auto& [profile, length] : {std::pair{&a, 1515}, {&a, 1600}, {&b, 9000}}) {
        send.reason = "EMSGSIZE: " + std::to_string(length) + " bytes, veth0 takes at most 1514 (MTU 1500 + 14)";
        profile->send(send);
    }
    const Comparison comparison = compare(a, b, 0.2);
    ASSERT_EQ(comparison.reasons.size(), 1U);
    EXPECT_EQ(comparison.reasons[0].text, "EMSGSIZE: 1515 to 9000 bytes, veth0 takes at most 1514 (MTU 1500 + 14)");
    EXPECT_EQ(comparison.reasons[0].sends_a, 2U);
    EXPECT_EQ(comparison.reasons[0].sends_b, 1U);
}

TEST(Comparison, OfEmptySessionsFindsNothing) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    EXPECT_FALSE(compare(a, b, 0).changed());
    made::add_sends(b, 100, 1);
    EXPECT_FALSE(compare(a, b, 0).changed());
    EXPECT_FALSE(compare(b, a, 0).changed());
    EXPECT_EQ(compare(a, b, 0).paths.at(0).verdict, PathVerdict::unclear);
}

TEST(Comparison, OfOneSendEachTellsNothingApart) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    a.send(made::delivered());
    b.send(made::ring());
    const Comparison comparison = compare(a, b, 0);
    EXPECT_FALSE(comparison.changed());
    ASSERT_EQ(comparison.paths.size(), 2U);
    EXPECT_EQ(comparison.paths[0].verdict, PathVerdict::unclear);
    EXPECT_EQ(comparison.paths[1].verdict, PathVerdict::unclear);
}

TEST(Comparison, FindsAPathThatVanishedAndOneThatAppeared) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    made::add_sends(a, 100, 1);
    for (std::uint64_t id = 1; id <= 100; id++) b.send(made::ring(id));
    const Comparison comparison = compare(a, b, 0.2);
    EXPECT_TRUE(comparison.path_changed());
    EXPECT_FALSE(comparison.slower());
    ASSERT_EQ(comparison.paths.size(), 2U);
    for (const PathChange& path : comparison.paths)
        EXPECT_EQ(path.verdict,
                  path.stages[SR_SLOT_BODY] == Stage::tpacket_snd ? PathVerdict::appeared : PathVerdict::vanished);
}

TEST(Comparison, TakesAStraySendOfManyForNoChange) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    made::add_sends(a, 20'000, 1);
    made::add_sends(b, 20'000, 2);
    b.send(made::ring(20'001));
    EXPECT_FALSE(compare(a, b, 0.2).changed());
    EXPECT_FALSE(compare(b, a, 0.2).changed());
}

TEST(Comparison, FindsSendsThatFailMoreOften) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    for (std::uint64_t id = 1; id <= 2000; id++) {
        a.send(id % 50 == 0 ? made::failed(id) : made::delivered(id));
        b.send(id % 10 == 0 ? made::failed(id) : made::delivered(id));
    }
    const Comparison comparison = compare(a, b, 0.2);
    EXPECT_FALSE(comparison.path_changed());
    EXPECT_TRUE(comparison.outcomes_worse());
    EXPECT_FALSE(compare(b, a, 0.2).outcomes_worse());
    ASSERT_EQ(comparison.reasons.size(), 1U);
    EXPECT_EQ(comparison.reasons[0].sends_a, 40U);
    EXPECT_EQ(comparison.reasons[0].sends_b, 200U);
}

// Each reason to lose one comes in a stretch of its own, which alone may be chance; that nothing arrives is none.
TEST(Comparison, FindsThatFewerAreDeliveredWhateverBecomesOfThem) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    for (std::uint64_t id = 1; id <= 2000; id++) {
        a.send(made::delivered(id));
        Send lost = made::failed(id);
        if (id > 1000) lost.outcome = Outcome::dropped;
        b.send(id <= 10 ? made::delivered(id) : lost);
    }
    EXPECT_TRUE(compare(a, b, 0.2).outcomes_worse());
    EXPECT_FALSE(compare(b, a, 0.2).outcomes_worse());
}

// As many as fail in the test above, but all in one burst: that happens.
TEST(Comparison, TakesOneBurstOfFailuresForWhatItIs) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    for (std::uint64_t id = 1; id <= 2000; id++) {
        a.send(id > 1000 && id <= 1020 ? made::failed(id) : made::delivered(id));
        b.send(id > 500 && id <= 600 ? made::failed(id) : made::delivered(id));
    }
    EXPECT_FALSE(compare(a, b, 0.2).changed());
}

TEST(Comparison, TakesAFunctionThatIsInlinedOnOneKernelForTheSamePath) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b, made::plan(true));
    for (std::uint64_t id = 1; id <= 500; id++) {
        a.send(made::delivered(id));
        b.send(made::inlined(made::delivered(id)));
    }
    const Comparison comparison = compare(a, b, 0.2);
    EXPECT_FALSE(comparison.changed());
    EXPECT_EQ(comparison.paths.size(), 1U);
    ASSERT_EQ(comparison.evidence.size(), 2U);
    EXPECT_EQ(comparison.evidence[0].stage, Stage::sockfd_lookup);
    EXPECT_EQ(comparison.evidence[0].a, Evidence::probed);
    EXPECT_EQ(comparison.evidence[0].b, Evidence::derived);
}

TEST(Comparison, DoesNotJudgeTimesInWhichHooksDiffer) {
    Plan plan = made::plan();
    plan.find(Stage::alloc)->hook = "fentry+fexit";
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b, plan);
    made::add_sends(a, 2000, 1);
    made::add_sends(b, 2000, 2, {}, 2);
    const Comparison comparison = compare(a, b, 0.2);
    EXPECT_TRUE(comparison.hooks_differ);
    for (const Stage stage : {Stage::sys_sendto, Stage::packet_sendmsg, Stage::packet_snd, Stage::alloc})
        EXPECT_EQ(find(comparison, stage)->verdict, TimeVerdict::hooks) << stage_name(stage);
    for (const Stage stage : {Stage::start_xmit, Stage::queue_xmit})
        EXPECT_EQ(find(comparison, stage)->verdict, TimeVerdict::slower) << stage_name(stage);
    EXPECT_EQ(find(comparison, Stage::sockfd_lookup)->verdict, TimeVerdict::same);
}

TEST(Comparison, DoesNotJudgeTimesOfAFewSends) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    made::add_sends(a, 55, 1);
    made::add_sends(b, 5000, 2, {}, 3);
    EXPECT_EQ(find(compare(a, b, 0.2), Stage::start_xmit)->verdict, TimeVerdict::too_few);
}

}  // namespace
}  // namespace sockray
