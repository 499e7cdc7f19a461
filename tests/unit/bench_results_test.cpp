// What tools/bench makes of the values that it measured.
#include "tests/bench/results.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/bench/results_html.h"
#include "tests/bench/results_text.h"

namespace sockray::bench {
namespace {

Results read(const std::string& text, std::size_t expected_passed_over = 0) {
    std::istringstream lines(text);
    std::size_t passed_over = 0;
    Results results = read_results(lines, passed_over);
    EXPECT_EQ(passed_over, expected_passed_over);
    return results;
}

std::string value(int round, const std::string& row, double number) {
    return R"({"part":"tracing","kernel":"6.12","round":)" + std::to_string(round) + R"(,"row":")" + row +
           R"(","metric":"added_ns","value":)" + std::to_string(number) + "}\n";
}

TEST(BenchResults, spread_is_the_median_and_the_quartiles) {
    const Spread spread = spread_of({5, 1, 3, 2, 4});
    EXPECT_DOUBLE_EQ(spread.median, 3);
    EXPECT_DOUBLE_EQ(spread.low, 2);
    EXPECT_DOUBLE_EQ(spread.high, 4);
    EXPECT_DOUBLE_EQ(spread_of({1, 2}).median, 1.5);
    EXPECT_DOUBLE_EQ(spread_of({7}).high, 7);
}

TEST(BenchResults, a_ratio_is_taken_within_each_round_and_only_where_both_were_measured) {
    const Results results = read(value(1, "a", 10) + value(1, "b", 5) + value(2, "a", 300) + value(2, "b", 100) +
                                 value(3, "a", 4) + value(3, "b", 1) + value(4, "a", 1000));
    ASSERT_EQ(results.tables.size(), 1U);
    const auto ratio = compare(results.tables.front(), {"tracing", "added_ns", "a", "b", 2.5, std::nullopt});
    ASSERT_TRUE(ratio);
    EXPECT_DOUBLE_EQ(ratio->median, 3);
    EXPECT_FALSE(compare(results.tables.front(), {"tracing", "added_ns", "a", "c", std::nullopt, std::nullopt}));
}

TEST(BenchResults, a_bound_that_is_not_kept_is_said) {
    const std::string bound = R"({"part":"tracing","metric":"added_ns","row":"a","to":"b","at_most":1.5})";
    const std::string text = results_text(read(value(1, "a", 4) + value(1, "b", 2) + bound + "\n"));
    EXPECT_NE(text.find("must be at most 1.50: NO"), std::string::npos) << text;
    const std::string kept = results_text(read(value(1, "a", 2) + value(1, "b", 2) + bound + "\n"));
    EXPECT_NE(kept.find("must be at most 1.50: yes"), std::string::npos) << kept;
}

TEST(BenchResults, kernels_have_tables_of_their_own) {
    const Results results = read(
        value(1, "a", 1) + R"({"part":"tracing","kernel":"6.1","round":1,"row":"a","metric":"added_ns","value":2})");
    ASSERT_EQ(results.tables.size(), 2U);
    EXPECT_EQ(results.tables.back().kernel, "6.1");
}

TEST(BenchResults, lines_that_are_no_values_are_passed_over_and_counted) {
    const Results results = read("hello\n[1]\n{\"part\":3,\"value\":1}\n" + value(1, "a", 1), 3);
    EXPECT_EQ(results.tables.back().rows.size(), 1U);
}

TEST(BenchResults, names_are_escaped_in_the_page) {
    const std::string page = results_html(read(value(1, "<script>&", 1)));
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    EXPECT_NE(page.find("&lt;script&gt;&amp;"), std::string::npos);
}

}  // namespace
}  // namespace sockray::bench
