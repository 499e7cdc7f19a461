#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/comparison_sessions.h"
#include "user/report/diff_json.h"
#include "user/report/diff_text.h"

namespace sockray {
namespace {

struct Sessions {
    Profile a;
    Profile b;
    Comparison comparison;
};

// B: the driver is twice as slow, one send in ten fails, and one kernel has inlined a function.
void fill(Sessions& sessions, bool inlined = false) {
    Origin origin;
    origin.host = "h\x01\"st";
    origin.kernel = "6.1.0";
    origin.machine = "x86_64";
    origin.command = {"sockray", "run", "-w\n"};
    sessions.a.begin(origin, made::plan(), made::Names{});
    sessions.b.begin(origin, made::plan(inlined), made::Names{});
    made::add_sends(sessions.a, 2000, 1);
    made::add_sends(sessions.b, 2000, 2, {}, 2);
    for (std::uint64_t id = 1; id <= 200; id++) sessions.b.send(made::failed(id));
    for (std::uint64_t id = 1; id <= 200; id++) sessions.a.send(made::delivered(id));
    sessions.comparison = compare(sessions.a, sessions.b, 0.2);
}

std::string text_of(const Sessions& sessions, const Style& style) {
    fmt::memory_buffer out;
    append_diff_text(out, sessions.comparison, sessions.a, sessions.b, style);
    return fmt::to_string(out);
}

std::vector<nlohmann::json> lines_of(const Sessions& sessions) {
    fmt::memory_buffer out;
    append_diff_json(out, sessions.comparison, sessions.a, sessions.b);
    std::vector<nlohmann::json> lines;
    std::istringstream stream(fmt::to_string(out));
    for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
}

TEST(TheDiffText, BeginsWithTheVerdictAndNamesWhatChanged) {
    Sessions sessions;
    fill(sessions);
    const std::string text = text_of(sessions, {});
    EXPECT_TRUE(text.starts_with("CHANGED\n")) << text;
    EXPECT_NE(text.find("  dev_hard_start_xmit got slower: +"), std::string::npos) << text;
    EXPECT_NE(text.find("ENETDOWN: veth0 is down"), std::string::npos) << text;
}

TEST(TheDiffText, NamesThePathThatVanishedAndTheOneThatAppeared) {
    Sessions sessions;
    made::begin(sessions.a);
    made::begin(sessions.b);
    made::add_sends(sessions.a, 500, 1);
    for (std::uint64_t id = 1; id <= 500; id++) {
        Send past = made::delivered(id, id * 1'000'000);
        past.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
        sessions.b.send(past);
    }
    sessions.comparison = compare(sessions.a, sessions.b, 0.2);
    const std::string text = text_of(sessions, {false, true, 400, false});
    EXPECT_NE(text.find("  path 1 vanished: 100.0% of A's sends, 0% of B's: __sys_sendto > "), std::string::npos)
        << text;
    EXPECT_NE(text.find("  path 2 appeared: 100.0% of B's sends, 0% of A's: __sys_sendto > "), std::string::npos)
        << text;
    const std::size_t at = text.find("path 2 appeared");
    EXPECT_NE(text.substr(at, text.find('\n', at) - at).find(" > __dev_direct_xmit > "), std::string::npos) << text;
    EXPECT_NE(text.find("\nPATH 1  A: 500 sends"), std::string::npos) << text;
    EXPECT_NE(text.find("\nPATH 2  A: 0 sends"), std::string::npos) << text;
}

TEST(TheDiffText, SaysThatNothingChanged) {
    Sessions sessions;
    made::begin(sessions.a);
    made::add_sends(sessions.a, 100, 1);
    sessions.comparison = compare(sessions.a, sessions.a, 0.2);
    fmt::memory_buffer out;
    append_diff_text(out, sessions.comparison, sessions.a, sessions.a, {});
    EXPECT_TRUE(fmt::to_string(out).starts_with("SAME\n  no path changed")) << fmt::to_string(out);
}

TEST(TheDiffText, SaysWhereEvidenceAndHooksDiffer) {
    Sessions sessions;
    fill(sessions, true);
    const std::string text = text_of(sessions, {});
    EXPECT_NE(text.find("EVIDENCE"), std::string::npos) << text;
    EXPECT_NE(text.find("1 stage were not judged: hooks differ"), std::string::npos) << text;
    EXPECT_NE(text.find("hooks differ"), std::string::npos) << text;
    EXPECT_NE(text.find("--backend"), std::string::npos) << text;
}

TEST(TheDiffText, HasItsEvidenceWithinTheWindow) {
    Sessions sessions;
    fill(sessions, true);
    for (const int width : {80, 120}) {
        const std::string text = text_of(sessions, {.width = width});
        EXPECT_NE(text.find("A: "), std::string::npos) << text;
        EXPECT_NE(text.find("B: "), std::string::npos) << text;
        std::istringstream lines(text.substr(text.find("EVIDENCE")));
        for (std::string line; std::getline(lines, line) && !line.empty();) EXPECT_LE(columns(line), width) << line;
    }
}

TEST(TheDiffText, IsAsciiWithoutControlCharactersWhereItMustBe) {
    Sessions sessions;
    fill(sessions, true);
    for (const char c : text_of(sessions, {})) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
}

TEST(TheDiffText, IsWrittenForEmptySessionsToo) {
    Sessions sessions;
    made::begin(sessions.a);
    made::begin(sessions.b);
    sessions.comparison = compare(sessions.a, sessions.b, 0.2);
    EXPECT_TRUE(text_of(sessions, {}).starts_with("SAME"));
}

TEST(TheDiffJson, HasALineForEachThingAndTheVerdictLast) {
    Sessions sessions;
    fill(sessions);
    const auto lines = lines_of(sessions);
    ASSERT_FALSE(lines.empty());
    for (const auto& line : lines) EXPECT_EQ(line["type"], "diff");
    EXPECT_EQ(lines.front()["subject"], "recording");
    EXPECT_EQ(lines.front()["host"], "h\x01\"st");
    const auto& verdict = lines.back();
    EXPECT_EQ(verdict["subject"], "verdict");
    EXPECT_EQ(verdict["changed"], true);
    EXPECT_EQ(verdict["slower"], true);
    bool found = false;
    for (const auto& line : lines)
        if (line["subject"] == "stage" && line["stage"] == "dev_hard_start_xmit" && line["path"] == 1) {
            found = true;
            EXPECT_EQ(line["verdict"], "slower");
            EXPECT_NEAR(line["ratio"].get<double>(), 2, 0.2);
            EXPECT_GT(line["median_b"], line["median_a"]);
            EXPECT_LT(line["p"].get<double>(), 0.01);
        }
    EXPECT_TRUE(found);
}

TEST(TheDiff, OfARecordingThatWasCutOffSaysThatItsLossIsUnknown) {
    Sessions sessions;
    made::begin(sessions.a);
    made::begin(sessions.b);
    Ending cut;
    cut.cut_off = true;
    cut.missing.before = 1;
    sessions.a.end(cut);
    sessions.comparison = compare(sessions.a, sessions.b, 0.2);
    const auto lines = lines_of(sessions);
    EXPECT_TRUE(lines[0]["lost"].is_null());
    EXPECT_EQ(lines[0]["cut_off"], true);
    EXPECT_EQ(lines[0]["files_missing"], true);
    EXPECT_EQ(lines[1]["lost"], 0);
    const std::string text = text_of(sessions, {});
    EXPECT_NE(text.find("what tracing lost is unknown"), std::string::npos) << text;
    EXPECT_NE(text.find("1 before the first"), std::string::npos) << text;
}

TEST(TheDiffJson, IsValidForEmptySessions) {
    Sessions sessions;
    made::begin(sessions.a);
    made::begin(sessions.b);
    sessions.comparison = compare(sessions.a, sessions.b, 0.2);
    EXPECT_EQ(lines_of(sessions).back()["changed"], false);
}

}  // namespace
}  // namespace sockray
