// The pictures of the page: that they are there, and draw what was told.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/report_pages.h"
#include "user/report/html/page.h"

namespace sockray {
namespace {

using pages::holds;
using pages::occurrences;

std::string page_of(std::uint64_t sends, Ending* ending = nullptr) {
    return pages::page_of(
        sends, [] { return std::vector<Finding>{}; }, ending);
}

// The part of the page from the first of these words to the next of the others behind it.
std::string_view between(std::string_view page, std::string_view from, std::string_view to) {
    const std::size_t begin = page.find(from);
    if (begin == std::string_view::npos) return {};
    return page.substr(begin, page.find(to, begin + from.size()) - begin);
}

// The numbers that stand behind each `before` of the text, up to `after`.
std::vector<double> numbers_behind(std::string_view text, std::string_view before, std::string_view after) {
    std::vector<double> numbers;
    for (std::size_t at = text.find(before); at != std::string_view::npos; at = text.find(before, at + 1)) {
        const std::size_t begin = at + before.size();
        std::string digits;
        for (std::size_t i = begin; i < text.size() && (std::isdigit(text[i]) || text[i] == ',' || text[i] == '.'); i++)
            if (text[i] != ',') digits += text[i];
        if (!digits.empty() && text.substr(begin + digits.size()).starts_with(after))
            numbers.push_back(std::stod(digits));
    }
    return numbers;
}

double sum(const std::vector<double>& numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

TEST(PagePictures, AreAllThere) {
    const std::string page = page_of(3000);
    for (const std::string_view id :
         {"findings", "chain", "time", "slowest", "undelivered", "senders", "sockets", "ledger", "plan"})
        EXPECT_EQ(occurrences(page, "<section id=\"" + std::string(id) + "\""), 1U) << id;
}

TEST(PagePictures, OverTimeHaveEverySend) {
    Ending ending;
    const std::string page = page_of(3000, &ending);
    const std::string_view time = between(page, "id=\"time\"", "</section>");
    const std::string_view heat = between(time, "<h3>Time in the kernel", "<h3>");
    EXPECT_EQ(sum(numbers_behind(heat, " long: ", " send")), 3000) << "the cells' words count all";
    EXPECT_GT(occurrences(between(heat, "class=\"heat6\"", "/>"), "M"), 0U) << "and there are cells";
    for (int i = 0; i < outcome_count; i++) {
        const auto outcome = static_cast<Outcome>(i);
        const std::uint64_t sends = ending.ledger.decoded_by_outcome[static_cast<std::size_t>(i)];
        const std::string name(outcome_name(outcome));
        EXPECT_EQ(sum(numbers_behind(time, " long: ", " " + name + "</title>")), static_cast<double>(sends)) << name;
        EXPECT_EQ(holds(time, "class=\"fill-" + name + "\""), sends > 0) << name;
    }
}

TEST(PagePictures, OfTheChainHaveStagesInsideOfTheirCallersAndCurvesThatRise) {
    const std::string page = page_of(3000);
    const std::string_view chain = between(page, "id=\"chain\"", "</section>");
    const std::size_t icicles = occurrences(chain, "class=\"icicle\"");
    EXPECT_GE(icicles, 3U) << "one for each way";
    const auto starts = numbers_behind(chain, "data-x=\"", "\"");
    const auto widths = numbers_behind(chain, "data-w=\"", "\"");
    ASSERT_EQ(starts.size(), widths.size());
    EXPECT_GE(starts.size(), 5 * icicles);
    for (std::size_t i = 0; i < starts.size(); i++) {
        EXPECT_GT(widths[i], 0);
        EXPECT_LE(starts[i] + widths[i], 1.0001);
    }
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(widths, 1.0)), icicles) << "the outermost is as wide as all";
    EXPECT_FALSE(holds(page, "=\"nan") || holds(page, "=\"inf") || holds(page, ",nan") || holds(page, ",-nan"));

    std::size_t curves = 0;
    for (std::size_t at = chain.find("<polyline class=\"curve c"); at != std::string_view::npos;
         at = chain.find("<polyline class=\"curve c", at + 1)) {
        curves++;
        std::istringstream points(std::string(between(chain.substr(at), "points=\"", "\">").substr(8)));
        double x = 0, y = 0, last_x = -1, last_y = 1e9;
        char comma = 0;
        std::size_t count = 0;
        for (; points >> x >> comma >> y; count++, last_x = x, last_y = y) {
            EXPECT_GT(x, last_x);
            EXPECT_LE(y, last_y) << "a higher percentile is no shorter time";
        }
        EXPECT_GE(count, 5U);
    }
    EXPECT_GE(curves, 4 * icicles);
}

TEST(PagePictures, OfEachSendThatIsShownAreWaterfalls) {
    const std::string page = page_of(3000);
    std::size_t sends = 0;
    for (std::size_t at = page.find("<details class=\"send\""); at != std::string::npos;
         at = page.find("<details class=\"send\"", at + 1)) {
        sends++;
        const std::string_view one = between(std::string_view(page).substr(at), "<details", "</details>");
        EXPECT_GE(occurrences(one, "class=\"step\""), 4U) << one;
        EXPECT_GE(occurrences(one, "width=\"100%\" height=\"100%\""), 3U) << one;
        for (const double start : numbers_behind(one, " x=\"", "%\"")) EXPECT_LE(start, 100);
    }
    EXPECT_GE(sends, 5U);
    EXPECT_LE(sends, 100U);
}

}  // namespace
}  // namespace sockray
