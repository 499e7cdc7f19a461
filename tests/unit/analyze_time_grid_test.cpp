// Time in columns that grow, and durations in rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "user/analyze/latency_grid.h"
#include "user/analyze/time_grid.h"

namespace sockray {
namespace {

std::uint64_t total(const TimeGrid& grid) {
    std::uint64_t sum = 0;
    for (std::size_t column = 0; column < grid.columns(); column++)
        for (std::size_t row = 0; row < grid.rows(); row++) sum += grid.count(column, row);
    return sum;
}

TEST(TimeGrid, HasNoColumnBeforeTheFirstTime) {
    EXPECT_EQ(TimeGrid(3).columns(), 0U);
}

TEST(TimeGrid, CountsATimeInTheColumnThatItLiesIn) {
    TimeGrid grid(2);
    grid.add(5'500, 0);
    grid.add(7'000, 1);
    grid.add(7'999, 1);
    ASSERT_EQ(grid.columns(), 3U);
    EXPECT_EQ(grid.width(), 1000U);
    EXPECT_EQ(grid.start(), 5000U);
    EXPECT_EQ(grid.count(0, 0), 1U);
    EXPECT_EQ(grid.count(2, 0), 0U);
    EXPECT_EQ(grid.count(2, 1), 2U);
}

TEST(TimeGrid, TakesTimesFromBeforeItsFirst) {
    TimeGrid grid(1);
    grid.add(90'000, 0);
    grid.add(40'000, 0);
    EXPECT_EQ(grid.start(), 40'000U);
    EXPECT_EQ(grid.columns(), 51U);
    EXPECT_EQ(grid.count(0, 0), 1U);
    EXPECT_EQ(grid.count(50, 0), 1U);
}

TEST(TimeGrid, DoublesItsColumnsWhereTimeRunsBeyondThemAndLosesNothing) {
    TimeGrid grid(1);
    constexpr std::uint64_t times = 100'000;
    for (std::uint64_t i = 0; i < times; i++) grid.add(1'000'000'000 + i * 10'000, 0);
    EXPECT_EQ(total(grid), times);
    EXPECT_LE(grid.columns(), TimeGrid::most_columns);
    EXPECT_GE(grid.columns(), TimeGrid::most_columns / 2);
    EXPECT_EQ(grid.width() % TimeGrid::least_width, 0U);
    EXPECT_LE(grid.start(), 1'000'000'000U);
}

TEST(TimeGrid, IsTheSameInWhateverOrderTimesCome) {
    std::vector<std::uint64_t> times;
    for (std::uint64_t i = 0; i < 5000; i++) times.push_back(7'000'000 + i * i * 37);
    TimeGrid in_order(1);
    for (const std::uint64_t ns : times) in_order.add(ns, 0);
    std::mt19937 random(1);
    for (int round = 0; round < 10; round++) {
        std::shuffle(times.begin(), times.end(), random);
        TimeGrid shuffled(1);
        for (const std::uint64_t ns : times) shuffled.add(ns, 0);
        EXPECT_EQ(shuffled, in_order);
    }
}

TEST(TimeGrid, HoldsTheWholeClock) {
    TimeGrid grid(1);
    grid.add(UINT64_MAX, 0);
    grid.add(0, 0);
    EXPECT_EQ(total(grid), 2U);
    EXPECT_LE(grid.columns(), TimeGrid::most_columns);
    EXPECT_EQ(grid.start(), 0U);
}

TEST(LatencyRows, BeginWhereTheOneBeforeEnds) {
    for (std::size_t row = 1; row < latency_rows; row++) {
        const std::uint64_t start = latency_row_start(row);
        EXPECT_EQ(latency_row(start), row);
        EXPECT_EQ(latency_row(start - 1), row - 1);
    }
    EXPECT_EQ(latency_row_start(0), 64U);
}

TEST(LatencyRows, TakeWhatIsTooShortOrTooLongInTheFirstAndTheLast) {
    EXPECT_EQ(latency_row(0), 0U);
    EXPECT_EQ(latency_row(63), 0U);
    EXPECT_EQ(latency_row(UINT64_MAX), latency_rows - 1);
    EXPECT_EQ(latency_row_start(latency_rows), std::uint64_t{1} << 36);
}

TEST(LatencyGrid, KnowsTheRowsInUse) {
    LatencyGrid latency;
    latency.add(1'000'000, 10'000);
    latency.add(1'000'000, 300);
    EXPECT_EQ(latency.sends(), 2U);
    EXPECT_EQ(latency.lowest(), latency_row(300));
    EXPECT_EQ(latency.highest(), latency_row(10'000));
}

}  // namespace
}  // namespace sockray
