// A task may be called anything (prctl(PR_SET_NAME) takes any byte): what each form makes of such a name.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/unit/report_session.h"
#include "user/analyze/senders.h"
#include "user/live/json_lines.h"
#include "user/live/lines.h"
#include "user/record/comment.h"
#include "user/report/csv.h"
#include "user/report/flame_svg.h"
#include "user/report/folded.h"
#include "user/report/html/page.h"
#include "user/report/senders_text.h"
#include "user/report/timeline_chrome.h"
#include "user/report/timeline_perfetto.h"

namespace sockray {
namespace {

// A terminal's escape, also as the one character U+009B, what separates in each of the forms, and no UTF-8.
constexpr std::string_view name = "\x1b[2J; \\\"\n\xc2\x9b<,\xff";
constexpr std::string_view shown = "\\x1b[2J; \\x5c\"\\x0a\\xc2\\x9b<,\\xff";

Send named(std::string_view comm) {
    Send send = made::delivered(1, 1'000'000);
    made::set(send.record.comm, comm);
    return send;
}

bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// Nothing that a terminal would take for more than text.
bool is_tame(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); i++) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte < 0x20 && byte != '\n' && byte != '\r') || byte == 0x7f) return false;
        if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
    }
    return true;
}

// As text: a line, a tree, and the row of its sender.
std::string text_of(std::string_view comm) {
    const Plan plan = made::plan();
    const made::Names names;
    const Style style{false, true, 200, false};
    fmt::memory_buffer out;
    Lines lines(plan, names, style, 0);
    lines.send(out, named(comm));
    lines.tree(out, named(comm));
    Senders senders;
    senders.add(named(comm));
    append_senders_text(out, senders, style);
    return fmt::to_string(out);
}

std::string json_of(std::string_view comm) {
    const Plan plan = made::plan();
    const made::Names names;
    fmt::memory_buffer out;
    JsonLines(plan, names).send(out, named(comm));
    return fmt::to_string(out);
}

std::string comment_of(std::string_view comm) {
    fmt::memory_buffer out;
    const Plan plan = made::plan();
    const made::Names names;
    Comments(plan, names).append(out, named(comm));
    return fmt::to_string(out);
}

TEST(AHostileName, IsHarmlessAndWholeAsText) {
    const std::string text = text_of(name);
    EXPECT_TRUE(is_tame(text)) << text;
    std::size_t times = 0;
    for (std::size_t at = text.find(shown); at != std::string::npos; at = text.find(shown, at + 1)) times++;
    EXPECT_EQ(times, 3U) << text;
}

TEST(AHostileName, IsHarmlessAndWholeAsJson) {
    const std::string text = json_of(name);
    EXPECT_TRUE(is_tame(text)) << text;
    EXPECT_EQ(nlohmann::json::parse(text)["comm"], "\x1b[2J; \\x5c\"\n\xc2\x9b<,\\xff");
}

TEST(AHostileName, IsOneCellOfCsv) {
    const std::string text = made::exported<Csv>({named(name)});
    EXPECT_TRUE(is_tame(text)) << text;
    EXPECT_TRUE(holds(text, ",\"\\x1b[2J; \\x5c\"\"\\x0a\\xc2\\x9b<,\\xff\",sendto,")) << text;
}

TEST(AHostileName, IsNoMarkup) {
    for (const std::string& text : {made::exported<HtmlPage>({named(name)}), made::exported<FlameSvg>({named(name)})}) {
        EXPECT_TRUE(is_tame(text));
        EXPECT_TRUE(holds(text, "\\x1b[2J; \\x5c&quot;\\x0a\\xc2\\x9b&lt;,\\xff")) << text;
    }
}

TEST(AHostileName, IsOneFrameOfAFoldedStack) {
    const std::string text = made::exported<Folded>({named(name)});
    EXPECT_TRUE(is_tame(text)) << text;
    EXPECT_TRUE(text.starts_with("\\x1b[2J\\x3b\\x20\\x5c\"\\x0a\\xc2\\x9b<,\\xff;__sys_sendto 800\n")) << text;
}

TEST(AHostileName, IsATrackOfTheTimelines) {
    const std::string chrome = made::exported<ChromeTimeline>({named(name)});
    EXPECT_TRUE(is_tame(chrome)) << chrome;
    const auto parsed = nlohmann::json::parse(chrome);
    EXPECT_TRUE(holds(parsed.dump(), nlohmann::json(shown).dump().substr(1, shown.size()))) << chrome;
    EXPECT_TRUE(holds(made::exported<PerfettoTimeline>({named(name)}), shown));
}

TEST(AHostileName, IsOneValueOfAPacketsComment) {
    const std::string text = comment_of(name);
    EXPECT_TRUE(is_tame(text)) << text;
    EXPECT_TRUE(holds(text, " comm=\"\\\\x1b[2J; \\\\x5c\\\"\\\\x0a\\\\xc2\\\\x9b<,\\\\xff\" pid=")) << text;
}

// The four characters that an escape is written as are no escape.
TEST(ANameThatLooksEscaped, IsToldFromTheOneThatHadToBe) {
    constexpr std::string_view looks = "a\\x1b\\x20\\x3bb";
    constexpr std::string_view had_to = "a\x1b ;b";
    const auto all_of = [](std::string_view comm) {
        return std::vector<std::string>{text_of(comm),
                                        json_of(comm),
                                        comment_of(comm),
                                        made::exported<Csv>({named(comm)}),
                                        made::exported<Folded>({named(comm)}),
                                        made::exported<FlameSvg>({named(comm)}),
                                        made::exported<ChromeTimeline>({named(comm)}),
                                        made::exported<PerfettoTimeline>({named(comm)}),
                                        made::exported<HtmlPage>({named(comm)})};
    };
    const auto one = all_of(looks);
    const auto other = all_of(had_to);
    for (std::size_t i = 0; i < one.size(); i++) EXPECT_NE(one[i], other[i]) << i;
    EXPECT_TRUE(one[4].starts_with("a\\x5cx1b\\x5cx20\\x5cx3bb;")) << one[4];
    EXPECT_TRUE(other[4].starts_with("a\\x1b\\x20\\x3bb;")) << other[4];
}

}  // namespace
}  // namespace sockray
