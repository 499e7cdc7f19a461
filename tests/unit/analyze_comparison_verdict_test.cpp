// What of a difference counts, and what could not be judged.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/comparison_sessions.h"
#include "user/analyze/comparison.h"

namespace sockray {
namespace {

// Of `sends`, one of so many is dropped.
void add_lossy(Profile& profile, std::uint64_t sends, std::uint64_t one_of) {
    for (std::uint64_t id = 1; id <= sends; id++)
        profile.send(id % one_of == 0 ? made::dropped(id) : made::delivered(id));
}

const OutcomeChange& outcome_of(const Comparison& comparison, Outcome outcome) {
    for (const OutcomeChange& change : comparison.outcomes)
        if (change.outcome == outcome) return change;
    static const OutcomeChange none;
    return none;
}

// A lost frame is a lost frame: from none to 0.9 % is no rest that may be passed over.
TEST(Comparison, FindsAFewLossesWhereThereWereNone) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    add_lossy(a, 20'000, 1'000'000);
    add_lossy(b, 20'000, 111);
    const Comparison comparison = compare(a, b, 0.2);
    EXPECT_TRUE(comparison.outcomes_worse());
    EXPECT_EQ(comparison.verdict(), Verdict::changed);
    EXPECT_DOUBLE_EQ(outcome_of(comparison, Outcome::dropped).counts_from, loss_shift);
    EXPECT_FALSE(compare(b, a, 0.2).outcomes_worse());
}

TEST(Comparison, TellsLossesThatAreNoChanceAndTooFewToCount) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    add_lossy(a, 100'000, 1'000'000);
    add_lossy(b, 100'000, 2000);
    const Comparison comparison = compare(a, b, 0.2);
    EXPECT_FALSE(comparison.changed());
    const OutcomeChange& dropped = outcome_of(comparison, Outcome::dropped);
    EXPECT_TRUE(dropped.significant && dropped.is_for_the_worse() && !dropped.worse);
}

// What is lost in both anyway differs by itself from one session to the next.
TEST(Comparison, CountsLossesWhereBothLoseManyFromATenthOfThemOn) {
    Profile a;
    Profile less;
    Profile more;
    for (Profile* each : {&a, &less, &more}) made::begin(*each);
    add_lossy(a, 200'000, 20);     // 5 %
    add_lossy(less, 200'000, 19);  // 5.3 %
    add_lossy(more, 200'000, 17);  // 5.9 %
    const Comparison by_less = compare(a, less, 0.2);
    EXPECT_NEAR(outcome_of(by_less, Outcome::dropped).counts_from, 0.005, 1e-9);
    EXPECT_TRUE(outcome_of(by_less, Outcome::dropped).significant);
    EXPECT_FALSE(by_less.outcomes_worse());
    EXPECT_TRUE(compare(a, more, 0.2).outcomes_worse());
}

// The same promise as for times: 1 %, and of 300 pairs more than 9 come by chance in 1 of 1000 such tests.
TEST(Comparison, CriesWolfOverNoMoreThan1PercentOf300PairsThatLoseFramesByChance) {
    int count = 0;
    for (unsigned seed = 0; seed < 300; seed++) {
        std::mt19937_64 random(seed);
        std::bernoulli_distribution lost(0.01);
        Profile a;
        Profile b;
        for (Profile* each : {&a, &b}) {
            made::begin(*each);
            for (std::uint64_t id = 1; id <= 3000; id++)
                each->send(lost(random) ? made::dropped(id) : made::delivered(id));
        }
        count += compare(a, b, 0).changed();
    }
    EXPECT_LE(count, 9);
}

TEST(Comparison, SaysThatAllWasJudgedOnlyWhereItWas) {
    Profile a;
    made::begin(a);
    made::add_sends(a, 1000, 1);
    EXPECT_EQ(compare(a, a, 0.2).verdict(), Verdict::same);
    EXPECT_EQ(compare(a, a, 0.2).unjudged().all(), 0U);

    Plan plan = made::plan();
    plan.find(Stage::alloc)->hook = "fentry+fexit";
    Profile hooked;
    made::begin(hooked, plan);
    made::add_sends(hooked, 1000, 1);
    EXPECT_EQ(compare(a, hooked, 0.2).verdict(), Verdict::not_all_judged);
    EXPECT_GT(compare(a, hooked, 0.2).unjudged().hooks, 0U);

    Profile few;
    made::begin(few);
    made::add_sends(few, 20, 1);
    EXPECT_EQ(compare(a, few, 0.2).verdict(), Verdict::not_all_judged);
    EXPECT_GT(compare(a, few, 0.2).unjudged().too_few, 0U);

    Profile empty;
    made::begin(empty);
    EXPECT_EQ(compare(a, empty, 0.2).verdict(), Verdict::not_all_judged);
    EXPECT_EQ(compare(a, empty, 0.2).unjudged().paths, 1U);

    Profile lossy;
    made::begin(lossy);
    made::add_sends(lossy, 1000, 1);
    for (std::uint64_t id = 1; id <= 20; id++) lossy.send(made::dropped(id));  // one burst
    const Comparison unclear = compare(a, lossy, 0.2);
    EXPECT_FALSE(unclear.changed());
    EXPECT_EQ(unclear.verdict(), Verdict::not_all_judged);
    EXPECT_EQ(unclear.unjudged().outcomes, 1U);
}

TEST(Comparison, JudgesNeitherPathsNorOutcomesWhereSendsWereLeftOut) {
    Profile a;
    Profile b;
    made::begin(a);
    made::begin(b);
    made::add_sends(a, 1000, 1);
    for (std::uint64_t id = 1; id <= 1000; id++) b.send(made::dropped(id));
    EXPECT_TRUE(compare(a, b, 0.2).outcomes_worse());
    Ending ending;
    ending.ledger.left_out = 999'000;
    b.end(ending);
    const Comparison comparison = compare(a, b, 0.2);
    EXPECT_FALSE(comparison.changed());
    EXPECT_EQ(comparison.verdict(), Verdict::not_all_judged);
    EXPECT_EQ(comparison.unjudged().paths, comparison.paths.size());
    EXPECT_EQ(comparison.unjudged().outcomes, comparison.outcomes.size());
    EXPECT_EQ(comparison.left_out_b, 999'000U);
}

}  // namespace
}  // namespace sockray
