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
    EXPECT_NE(text.find("  path 1 vanished: 100% of A's sends, 0% of B's: __sys_sendto > "), std::string::npos) << text;
    EXPECT_NE(text.find("  path 2 appeared: 100% of B's sends, 0% of A's: __sys_sendto > "), std::string::npos) << text;
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

// `b_lost` of 100,000 sends, evenly; none in A.
void fill_lossy(Sessions& sessions, std::uint64_t b_lost) {
    made::begin(sessions.a);
    made::begin(sessions.b);
    constexpr std::uint64_t sends = 100'000;
    for (std::uint64_t id = 1; id <= sends; id++) {
        sessions.a.send(made::delivered(id));
        sessions.b.send(id % (sends / b_lost) == 0 ? made::dropped(id) : made::delivered(id));
    }
    sessions.comparison = compare(sessions.a, sessions.b, 0.2);
}

constexpr Style wide{false, true, 400, false};

TEST(TheDiff, NeverSaysThatNoMoreSendsWereLostWhereMoreWere) {
    Sessions counting;
    fill_lossy(counting, 900);
    std::string text = text_of(counting, wide);
    EXPECT_TRUE(text.starts_with("CHANGED\n")) << text;
    EXPECT_NE(text.find("more sends are dropped: 0.90% instead of 0%"), std::string::npos) << text;

    Sessions small;
    fill_lossy(small, 50);
    text = text_of(small, wide);
    EXPECT_FALSE(small.comparison.outcomes_worse());
    EXPECT_EQ(text.find("no more sends were lost"), std::string::npos) << text;
    EXPECT_NE(text.find("  more sends are dropped, by less than the 0.10% that counts: 50 (0.05%) instead of 0 (0%)\n"),
              std::string::npos)
        << text;
    const std::size_t row = text.find("\n  dropped ");
    ASSERT_NE(row, std::string::npos) << text;
    EXPECT_TRUE(text.substr(row + 1, text.find('\n', row + 1) - row - 1).ends_with("  more, by less than 0.10%"))
        << text;

    Sessions chance;
    fill_lossy(chance, 1);
    text = text_of(chance, wide);
    EXPECT_EQ(text.find("no more sends were lost"), std::string::npos) << text;
    EXPECT_NE(text.find("more sends are dropped, which may be chance: 1 (< 0.01%) instead of 0 (0%)"),
              std::string::npos)
        << text;
    for (const auto& line : lines_of(small))
        if (line["subject"] == "outcome" && line["outcome"] == "dropped") {
            EXPECT_EQ(line["significant"], true);
            EXPECT_EQ(line["changed"], false);
            EXPECT_DOUBLE_EQ(line["counts_from"].get<double>(), 0.001);
        }
}

TEST(TheDiff, TellsWhatIsTheSameFromWhatWasNotJudged) {
    Sessions same;
    fill_lossy(same, 1);
    EXPECT_EQ(lines_of(same).back()["verdict"], "same");
    EXPECT_EQ(lines_of(same).back()["stages_not_judged"], 0);

    Sessions unclear;
    made::begin(unclear.a);
    made::begin(unclear.b);
    unclear.a.send(made::delivered());
    unclear.b.send(made::ring());
    unclear.comparison = compare(unclear.a, unclear.b, 0.2);
    const std::string text = text_of(unclear, wide);
    EXPECT_TRUE(text.starts_with("NOT ALL JUDGED\n  no path that was judged changed, ")) << text;
    EXPECT_NE(text.find("2 paths in one of them only were not judged: too few sends"), std::string::npos) << text;
    const auto verdict = lines_of(unclear).back();
    EXPECT_EQ(verdict["changed"], false);
    EXPECT_EQ(verdict["verdict"], "not_all_judged");
    EXPECT_EQ(verdict["paths_not_judged"], 2);
}

TEST(TheDiff, OfARecordingWithSendsLeftOutSaysThatTheirPathsAndOutcomesWereNotJudged) {
    Sessions sessions;
    fill_lossy(sessions, 1000);
    Ending ending;
    ending.ledger.left_out = 1;
    sessions.a.end(ending);
    sessions.comparison = compare(sessions.a, sessions.b, 0.2);
    const std::string text = text_of(sessions, wide);
    EXPECT_TRUE(text.starts_with("NOT ALL JUDGED\n")) << text;
    EXPECT_EQ(text.find("no more sends were lost"), std::string::npos) << text;
    EXPECT_NE(text.find("paths and outcomes were not judged"), std::string::npos) << text;
    EXPECT_NE(text.find("1 more send was left out by --outcome"), std::string::npos) << text;
    const auto lines = lines_of(sessions);
    EXPECT_EQ(lines[0]["left_out"], 1);
    EXPECT_EQ(lines.back()["verdict"], "not_all_judged");
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
