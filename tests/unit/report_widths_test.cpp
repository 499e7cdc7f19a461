// Reports at the widths of terminals, with names as long as they can be.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/comparison_sessions.h"
#include "user/analyze/chain.h"
#include "user/analyze/comparison.h"
#include "user/analyze/senders.h"
#include "user/base/paragraph.h"
#include "user/base/words.h"
#include "user/live/socket_block.h"
#include "user/report/chain_text.h"
#include "user/report/diff_text.h"
#include "user/report/senders_text.h"

namespace sockray {
namespace {

constexpr std::string_view names[] = {"fifteen-letters", "a-long-device-0", "a-long-device-1"};

Style style_of_width(int width) {
    return {false, true, width, false};
}

Send long_named(int number) {
    Send send = number % 3 ? made::delivered() : made::failed();
    made::set(send.record.comm, names[0]);
    made::set(send.record.ifname, names[1 + number % 2]);
    send.record.pid = 4'194'303;
    return send;
}

std::string text_of(int width) {
    Senders senders;
    Chain chain;
    for (int i = 0; i < 100; i++) {
        senders.add(long_named(i));
        chain.add(long_named(i));
    }
    fmt::memory_buffer out;
    append_senders_text(out, senders, style_of_width(width));
    append_chain_text(out, chain, made::plan(), {}, style_of_width(width));
    append_socket_block(out, made::socket(), 1, made::plan(), made::Names(), style_of_width(width), "12:00");
    return fmt::to_string(out);
}

std::string diff_of(int width) {
    Profile profile;
    Origin origin;
    origin.host = "a-host-with-a-long-name.example.org";
    origin.kernel = "6.12.1-a-long-name-of-a-kernel-amd64";
    origin.machine = "x86_64";
    origin.command = {"sockray", "trace", "--netns", "/run/netns/a-very-long-name-of-a-network-namespace-0123456789"};
    profile.begin(origin, made::plan(), made::Names{});
    made::add_sends(profile, 100, 1);
    const Comparison comparison = compare(profile, profile, 0.2);
    fmt::memory_buffer out;
    append_diff_text(out, comparison, profile, profile, style_of_width(width));
    return fmt::to_string(out);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines(1);
    for (const char c : text) {
        if (c == '\n')
            lines.emplace_back();
        else
            lines.back() += c;
    }
    return lines;
}

TEST(Reports, FitInto80ColumnsWithTheLongestNames) {
    for (const std::string& line : lines_of(text_of(80))) EXPECT_LE(columns(line), 80) << line;
    bool in_recordings = false;
    for (const std::string& line : lines_of(diff_of(80))) {
        if (line == "RECORDINGS") in_recordings = true;
        if (line.starts_with("OUTCOMES")) in_recordings = false;
        if (in_recordings) {
            EXPECT_LE(columns(line), 80) << line;
        }
    }
}

TEST(Reports, BreakHeadingsBetweenWordsAt40Columns) {
    for (const std::string& text : {text_of(40), diff_of(40)})
        for (const std::string& line : lines_of(text))
            if (line.starts_with("CHAIN") || line.starts_with("SENDERS") || line.starts_with("  A  ") ||
                line.starts_with("  fifteen")) {
                EXPECT_LE(columns(line), 40) << line;
            }
}

TEST(Reports, AreATableWhereThereIsRoom) {
    const std::string text = text_of(200);
    EXPECT_NE(text.find("SENDERS                     device"), std::string::npos) << text;
    EXPECT_NE(text.find("  fifteen-letters[4194303]"), std::string::npos) << text;
}

TEST(Reports, HaveNoBlanksAtTheEndOfALine) {
    for (const int width : {40, 80, 200})
        for (const std::string& text : {text_of(width), diff_of(width)})
            for (const std::string& line : lines_of(text)) EXPECT_FALSE(line.ends_with(' ')) << '"' << line << '"';
}

TEST(AParagraph, CutsAtBlanksAndKeepsWordsOfSeveralTonesWhole) {
    fmt::memory_buffer out;
    const Style style = style_of_width(12);
    {
        Paragraph paragraph(out, style, 0, 2);
        paragraph.add(Tone::bold, "one two");
        paragraph.add(Tone::plain, ", three");
        paragraph.add(Tone::plain, " a-word-that-is-longer");
    }
    EXPECT_EQ(fmt::to_string(out), "one two,\n  three\n  a-word-that-is-longer\n");
}

TEST(AParagraph, PaintsEachWordInItsTone) {
    fmt::memory_buffer out;
    const Style style{true, true, 80, true};
    Paragraph(out, style, 0, 2).add(Tone::good, "2 sends");
    EXPECT_EQ(fmt::to_string(out), "\x1b[32m2\x1b[0m \x1b[32msends\x1b[0m\n");
}

TEST(ACount, IsOfOneOrOfMany) {
    EXPECT_EQ(count_of(1, "frame"), "1 frame");
    EXPECT_EQ(count_of(0, "frame"), "0 frames");
    EXPECT_EQ(count_of(2, "box is", "boxes are"), "2 boxes are");
}

}  // namespace
}  // namespace sockray
