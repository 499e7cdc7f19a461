#include "user/analyze/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace sockray {
namespace {

std::vector<double> series(unsigned seed, std::size_t size, double keep, double level = 0) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    std::vector<double> values;
    double state = normal(random);
    for (std::size_t i = 0; i < size; i++) {
        values.push_back(level + state);
        state = keep * state + std::sqrt(1 - keep * keep) * normal(random);
    }
    return values;
}

TEST(TheRankTest, AgreesWithAWorkedExample) {
    // b is larger in 7 of 9 pairs, and three values are too few to see dependence in.
    const std::vector<double> a{1, 5, 3};
    const std::vector<double> b{2, 6, 7};
    const double z = (7.0 / 9 - 0.5) / std::sqrt((1.0 / 3 + 1.0 / 3 + 1.0 / 9) / 12);
    EXPECT_NEAR(rank_test(a, b).p, std::erfc(z / std::sqrt(2.0)), 1e-12);
    EXPECT_EQ(rank_test(a, b).by, 2);  // the middle of -3, -1, 1, 1, 2, 3, 4, 5, 6
}

TEST(TheRankTest, FindsTheShiftAndItsInterval) {
    const Shift shift = rank_test(series(1, 60, 0), series(2, 60, 0, 2));
    EXPECT_NEAR(shift.by, 2, 0.5);
    EXPECT_LT(shift.low, 2);
    EXPECT_GT(shift.high, 2);
    EXPECT_LT(shift.p, 1e-6);
}

TEST(TheRankTest, TellsNothingFromNothing) {
    const std::vector<double> some{1, 2, 3};
    EXPECT_EQ(rank_test({}, some).p, 1);
    EXPECT_EQ(rank_test(some, {}).p, 1);
    EXPECT_EQ(rank_test({}, {}).p, 1);
}

TEST(TheRankTest, TellsNothingWhereAllIsTied) {
    const std::vector<double> same(40, 3.0);
    EXPECT_EQ(rank_test(same, same).p, 1);
    EXPECT_EQ(rank_test(same, same).by, 0);
}

TEST(TheEffectiveSize, IsNearlyAllOfIndependentValuesAndLittleOfDependentOnes) {
    double independent = 0;
    double dependent = 0;
    for (unsigned seed = 0; seed < 100; seed++) {
        independent += effective_size(series(seed, 64, 0)) / 100;
        dependent += effective_size(series(seed, 64, 0.9)) / 100;
    }
    EXPECT_GT(independent, 35);
    EXPECT_LT(dependent, 12);
}

TEST(TheEffectiveSize, OfASteadyDriftIsNextToNothing) {
    std::vector<double> drift;
    for (int i = 0; i < 64; i++) drift.push_back(i);
    EXPECT_LT(effective_size(drift), 5);
}

TEST(TheProportionTest, FindsADifferenceThatChanceDoesNotMake) {
    const std::vector<Part> few(50, Part{1, 100});
    const std::vector<Part> many(50, Part{5, 100});
    EXPECT_LT(proportion_test(few, many), 1e-6);
    EXPECT_EQ(proportion_test(few, few), 1);
    EXPECT_EQ(proportion_test({}, few), 1);
}

TEST(TheProportionTest, CountsABurstAsOneEvent) {
    std::vector<Part> burst(50, Part{0, 100});
    burst[7].hits = burst[8].hits = 100;
    const std::vector<Part> none(50, Part{0, 100});
    EXPECT_GT(proportion_test(none, burst), 0.01);
}

TEST(Holm, AgreesWithAWorkedExample) {
    std::vector<double> p{0.01, 0.04, 0.03, 0.005};
    adjust_holm(p);
    EXPECT_DOUBLE_EQ(p[0], 0.03);
    EXPECT_DOUBLE_EQ(p[1], 0.06);
    EXPECT_DOUBLE_EQ(p[2], 0.06);
    EXPECT_DOUBLE_EQ(p[3], 0.02);
}

}  // namespace
}  // namespace sockray
