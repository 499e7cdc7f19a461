#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/findings_session.h"
#include "user/report/findings_json.h"
#include "user/report/findings_text.h"

namespace sockray {
namespace {

using made::says;
using made::Session;

constexpr Style plain{false, true, 100, false};
constexpr Style ascii{false, false, 80, false};

std::string text_of(const Findings& findings, const Style& style = plain) {
    fmt::memory_buffer out;
    append_findings_text(out, findings, style);
    return fmt::to_string(out);
}

std::string json_of(const Findings& findings) {
    fmt::memory_buffer out;
    append_findings_json(out, findings.result());
    return fmt::to_string(out);
}

TEST(FindingsText, SaysThatNothingStandsOutAndWhatWasLookedAt) {
    Session session;
    for (std::uint64_t i = 0; i < 500; i++) session.add(made::rested(i));
    session.end();
    const std::string text = text_of(session.findings);
    EXPECT_TRUE(says(text, "FINDINGS  nothing stands out in 500 sends\n")) << text;
    for (const auto& subject : session.findings.looked().subjects) {
        const std::string whole = text_of(session.findings, {false, true, 4000, false});
        EXPECT_TRUE(says(whole, subject.text)) << subject.text;
    }
    EXPECT_FALSE(says(text, "not looked at")) << text;
}

TEST(FindingsText, SaysWhatCouldNotBeLookedAt) {
    Session session(made::plan_without(Stage::copy));
    session.end();
    EXPECT_TRUE(says(text_of(session.findings, {false, true, 4000, false}),
                     "not looked at, for the stage was not traced (--stages full): copies that dominate "
                     "(skb_copy_datagram_from_iter)\n"))
        << text_of(session.findings);
}

TEST(FindingsText, SaysWhatARecordingWithoutALedgerCannotTell) {
    Session session;
    session.ending.cut_off = true;
    session.end();
    const std::string text = text_of(session.findings, {false, true, 4000, false});
    EXPECT_TRUE(says(text,
                     "not looked at, for the recording is not whole: calls on a TX ring that find it empty, what "
                     "tracing itself lost, the devices' own counters, sends that --outcome left out\n"))
        << text;
}

TEST(TheFindings, OfACaptureThatWasNotTracedAreNone) {
    const Plan plan = made::plan();
    const made::Names names;
    Ending ending;
    ending.capture.emplace();
    ending.capture->received = 7;
    Findings untraced;
    untraced.begin({}, plan, names);
    untraced.end(ending);
    EXPECT_EQ(untraced.untraced_frames(), 7U);
    EXPECT_TRUE(untraced.result().empty());

    Origin traced;
    traced.stages = ~StageSet{};
    Findings findings;
    findings.begin(traced, plan, names);
    findings.end(ending);
    EXPECT_FALSE(findings.untraced_frames());
}

TEST(FindingsText, ShowsOfEachFindingItsNumbersSendsCauseAndAdvice) {
    Session session;
    session.add(10, made::delivered());
    session.add(30, made::failed());
    session.end();
    const std::string text = text_of(session.findings);
    for (const char* line :
         {"FINDINGS  1 in 40 sends\n", "1  30 of 40 sends (75 %) met an interface that is or was down (ENETDOWN)\n",
          "   measured  30: ENETDOWN: veth0 is down\n", "   sends     11, 12, 13 and 27 more\n", "   likely    ",
          "   try       ", "   rule      interface-down\n"})
        EXPECT_TRUE(says(text, line)) << line << "\n" << text;
}

TEST(FindingsText, IsHarmlessWhateverNamesThereAre) {
    Session session;
    Send hostile = made::failed();
    made::set(hostile.record.comm, "\x1b[31m\n");
    made::set(hostile.record.ifname, "\x1b[2J\xff");
    hostile.reason = "ENETDOWN: \x1b[2J\xff\n is down";
    session.add(20, hostile);
    hostile.record.ret = -22;
    session.add(20, hostile);
    session.end();
    ASSERT_EQ(session.findings.result().size(), 2U);
    for (const char c : text_of(session.findings, ascii)) ASSERT_TRUE((c >= 0x20 && c < 0x7f) || c == '\n');
}

TEST(FindingsJson, IsOneObjectALineWithEveryKey) {
    Session session;
    session.add(10, made::delivered());
    session.add(30, made::failed());
    session.end();
    const std::string text = json_of(session.findings);
    ASSERT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    const auto json = nlohmann::json::parse(text);
    EXPECT_EQ(json.at("type"), "finding");
    EXPECT_EQ(json.at("rule"), "interface-down");
    EXPECT_DOUBLE_EQ(json.at("cost").get<double>(), 0.75);
    EXPECT_EQ(json.at("sends"), (std::vector<int>{11, 12, 13}));
    EXPECT_EQ(json.at("more_sends"), 27);
    EXPECT_EQ(json.at("kind"), "loss");
    EXPECT_EQ(json.at("evidence").size(), 1U);
    for (const char* key : {"title", "cause", "advice"}) EXPECT_FALSE(json.at(key).get<std::string>().empty()) << key;
}

TEST(FindingsJson, IsValidWhateverNamesThereAre) {
    Session session;
    Send hostile = made::failed();
    made::set(hostile.record.ifname, "\"\\\x01\xff");
    hostile.reason = "\"\\\x01\xff\n";
    session.add(20, hostile);
    session.end();
    const std::string text = json_of(session.findings);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    EXPECT_TRUE(nlohmann::json::accept(text)) << text;
}

TEST(FindingsText, SaysHowManySendsWereLeftOutOfTheRecording) {
    Session session;
    session.add(30, made::failed());
    session.ending.ledger.left_out = 70;
    session.ending.ledger.decoded += 70;
    session.ending.ledger.sends.seen += 70;
    session.ending.ledger.decoded_by_outcome[0] += 70;
    session.end();
    const std::string text = text_of(session.findings, {false, true, 4000, false});
    EXPECT_TRUE(says(text, "FINDINGS  2 in 30 sends (70 more were left out by --outcome): lost frames first")) << text;
    EXPECT_TRUE(says(text, "1  30 of 100 sends (30 %) met an interface")) << text;
    EXPECT_TRUE(says(text, "  looked at, in the sends that are here: ")) << text;
}

TEST(FindingsJson, SayWhatWasLookedAtAndWhatCouldNotBe) {
    Session session(made::plan_without(Stage::copy));
    session.add(30, made::failed());
    session.ending.ledger.left_out = 70;
    session.end();
    fmt::memory_buffer out;
    append_looked_at_json(out, session.findings.looked());
    const std::string text = fmt::to_string(out);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    const auto json = nlohmann::json::parse(text);
    EXPECT_EQ(json.at("type"), "looked_at");
    EXPECT_EQ(json.at("sends"), 30);
    EXPECT_EQ(json.at("left_out"), 70);
    EXPECT_EQ(json.at("subjects").size(), session.findings.looked().subjects.size());
    for (const auto& subject : json.at("subjects")) {
        const bool copies = subject.at("subject") == "copies that dominate";
        EXPECT_EQ(subject.at("seen") == "not_traced", copies) << subject;
        EXPECT_EQ(subject.at("stage").is_null(), !copies) << subject;
    }
    Session cut;
    cut.ending.cut_off = true;
    cut.end();
    fmt::memory_buffer unknown;
    append_looked_at_json(unknown, cut.findings.looked());
    EXPECT_TRUE(nlohmann::json::parse(fmt::to_string(unknown)).at("left_out").is_null());
}

TEST(FindingsJson, IsEmptyWhereNothingStandsOut) {
    Session session;
    session.end();
    EXPECT_EQ(json_of(session.findings), "");
}

}  // namespace
}  // namespace sockray
