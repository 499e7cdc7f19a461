#include "user/analyze/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace sockray {
namespace {

constexpr double quantiles[] = {0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};

std::uint64_t exact_quantile(std::vector<std::uint64_t> values, double q) {
    std::sort(values.begin(), values.end());
    const auto rank =
        std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))));
    return values[rank - 1];
}

std::vector<std::uint64_t> random_values(unsigned seed, double spread) {
    std::mt19937_64 random(seed);
    std::lognormal_distribution<double> durations(9, spread);
    std::vector<std::uint64_t> values(20'000);
    std::generate(values.begin(), values.end(), [&] { return static_cast<std::uint64_t>(durations(random)); });
    return values;
}

TEST(Histogram, IsAllZeroWhenEmpty) {
    const Histogram empty;
    EXPECT_EQ(empty.count(), 0U);
    EXPECT_EQ(empty.min(), 0U);
    EXPECT_EQ(empty.max(), 0U);
    EXPECT_EQ(empty.mean(), 0);
    EXPECT_EQ(empty.quantile(0.5), 0U);
}

TEST(Histogram, IsExactBelow128) {
    for (std::uint64_t value = 0; value < 128; value++) {
        Histogram one;
        one.add(0);
        one.add(value);
        one.add(127);
        EXPECT_EQ(one.quantile(0.5), value);
    }
}

TEST(Histogram, StaysWithinOne128thOfTheExactNearestRankOnRandomDurations) {
    for (const double spread : {0.05, 0.5, 3.0}) {
        const auto values = random_values(7, spread);
        Histogram histogram;
        for (const std::uint64_t value : values) histogram.add(value);
        for (const double q : quantiles) {
            const auto exact = static_cast<double>(exact_quantile(values, q));
            EXPECT_LE(std::abs(static_cast<double>(histogram.quantile(q)) - exact), exact / 128) << q << " " << spread;
        }
    }
}

TEST(Histogram, KeepsItsErrorAtEveryEdgeOfABucketUpToTheLargestValue) {
    std::vector<std::uint64_t> values = {UINT64_MAX, UINT64_MAX - 1};
    for (int bit = 0; bit < 64; bit++) {
        const std::uint64_t power = std::uint64_t{1} << bit;
        for (const std::uint64_t value : {power - 1, power, power + 1, power + power / 2, power + power / 2 - 1})
            values.push_back(value);
    }
    for (const std::uint64_t value : values) {
        // Between a smaller and a larger value, so that neither min nor max corrects the bucket's midpoint.
        Histogram histogram;
        histogram.add(0);
        histogram.add(value);
        histogram.add(UINT64_MAX);
        const long double error =
            std::abs(static_cast<long double>(histogram.quantile(0.5)) - static_cast<long double>(value));
        EXPECT_LE(error, static_cast<long double>(value) / 128) << value;
    }
}

TEST(Histogram, KnowsMinMaxAndMeanExactly) {
    Histogram histogram;
    for (const std::uint64_t value : {1'000'003U, 12'345U, 500'000'001U}) histogram.add(value);
    EXPECT_EQ(histogram.min(), 12'345U);
    EXPECT_EQ(histogram.max(), 500'000'001U);
    EXPECT_DOUBLE_EQ(histogram.mean(), (1'000'003.0 + 12'345.0 + 500'000'001.0) / 3);
    EXPECT_LE(histogram.quantile(1), histogram.max());
    EXPECT_GE(histogram.quantile(0), histogram.min());
}

TEST(Histogram, MergesAsIfAllValuesHadBeenAddedToOne) {
    Histogram all;
    Histogram left;
    Histogram right;
    const auto values = random_values(3, 1.0);
    for (std::size_t i = 0; i < values.size(); i++) {
        all.add(values[i]);
        (i % 3 ? left : right).add(values[i]);
    }
    left.merge(right);
    left.merge(Histogram());
    EXPECT_EQ(left.count(), all.count());
    EXPECT_EQ(left.min(), all.min());
    EXPECT_EQ(left.max(), all.max());
    EXPECT_DOUBLE_EQ(left.mean(), all.mean());
    for (const double q : quantiles) EXPECT_EQ(left.quantile(q), all.quantile(q));

    Histogram empty;
    empty.merge(all);
    EXPECT_EQ(empty.quantile(0.5), all.quantile(0.5));
}

}  // namespace
}  // namespace sockray
