// Recordings that do not have all sends of their session: what the findings say of the others.
#include <gtest/gtest.h>

#include "tests/unit/findings_session.h"

namespace sockray {
namespace {

using made::evidence;
using made::says;
using made::Session;

TEST(IncompleteRecordingRule, SaysOfARecordingThatWasCutOffThatItsLossIsUnknown) {
    Session session;
    session.add(80, made::delivered());
    session.ending.cut_off = true;
    session.end();
    const Finding* finding = session.found("incomplete-recording");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->title, "the recording ends before its ledger: what tracing lost is unknown");
    EXPECT_TRUE(says(finding->advice, "SIGTERM")) << finding->advice;
    EXPECT_FALSE(session.found("tracing-loss"));
    int blind = 0;
    for (const auto& subject : session.findings.looked().subjects) blind += subject.sight == Sight::recording_cut;
    EXPECT_EQ(blind, 4);  // the loss, what was left out, idle calls on a ring, and the devices' counters
    EXPECT_FALSE(session.findings.looked().left_out);
}

TEST(IncompleteRecordingRule, AsksForTheFilesThatAreMissing) {
    Session session;
    session.add(80, made::delivered());
    session.ending.missing = {3, 0, true};
    session.ending.cut_off = true;
    session.end();
    const Finding* finding = session.found("incomplete-recording");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(evidence(finding), "3 before the first, those behind the last")) << evidence(finding);
    EXPECT_TRUE(says(finding->advice, "give all files")) << finding->advice;
}

TEST(IncompleteRecordingRule, FindsNothingInAWholeOne) {
    Session session;
    session.add(20, made::delivered());
    session.end();
    EXPECT_FALSE(session.found("incomplete-recording"));
}

// Drops of sends that are not in the recording are no drops of nobody.
TEST(DeviceCountersRule, TakesSendsThatAreNotHereForWhatTheDeviceDropped) {
    const auto ledgers = {
        +[](Ledger& ledger) {  // --outcome delivered
            ledger.left_out = 30;
            ledger.decoded += 30;
            ledger.decoded_by_outcome[static_cast<std::size_t>(Outcome::dropped)] = 30;
        },
        +[](Ledger& ledger) { ledger.filtered = 30; },
        +[](Ledger& ledger) { ledger.sends.lost.no_room = 30; },
    };
    for (const auto& change : ledgers) {
        Session session;
        session.add(20, made::delivered());
        change(session.ending.ledger);
        session.ending.devices = {{"veth0", 20, 0, 30, 0, 0}};
        session.end();
        EXPECT_FALSE(session.found("device-counters"));
        Session more;
        more.add(20, made::delivered());
        change(more.ending.ledger);
        more.ending.devices = {{"veth0", 20, 0, 34, 0, 0}};
        more.end();
        ASSERT_TRUE(more.found("device-counters"));
        EXPECT_EQ(more.found("device-counters")->title,
                  "veth0 counted 4 drops and errors more than sends were lost on it");
        EXPECT_TRUE(says(evidence(more.found("device-counters")), "30 more are not here"));
    }
}

// What --outcome dropped,failed records of a session of 1,000,000 sends, most of which were delivered.
void leave_out(Session& session, Outcome outcome, std::uint64_t sends) {
    session.ending.ledger.left_out += sends;
    session.ending.ledger.decoded += sends;
    session.ending.ledger.sends.seen += sends;
    session.ending.ledger.decoded_by_outcome[static_cast<std::size_t>(outcome)] += sends;
}

TEST(Losses, AreSharesOfAllSendsOfTheLedgerWhereOthersWereLeftOut) {
    Session session;
    session.add(3000, made::failed());
    leave_out(session, Outcome::delivered, 997'000);
    session.end();
    const Finding* finding = session.found("interface-down");
    ASSERT_TRUE(finding);
    EXPECT_TRUE(says(finding->title, "3000 of 1000000 sends (0.30 %) met an interface")) << finding->title;
    EXPECT_DOUBLE_EQ(finding->cost, 0.003);
    const Finding* left_out = session.found("left-out-sends");
    ASSERT_TRUE(left_out);
    EXPECT_EQ(left_out->title, "997000 of 1000000 sends (99.7 %) were left out of this recording by --outcome");
    EXPECT_TRUE(says(evidence(left_out), "delivered 0 of 997000, failed 3000 of 3000")) << evidence(left_out);
    EXPECT_TRUE(says(evidence(left_out), "shares of lost frames are of all 1000000 sends")) << evidence(left_out);
    EXPECT_FALSE(says(evidence(left_out), "not told"));
    EXPECT_EQ(session.findings.looked().left_out, 997'000U);
}

TEST(Losses, ThatAreRareInTheWholeSessionDoNotStandOutForWhatWasLeftOut) {
    Session session;
    session.add(300, made::failed());
    leave_out(session, Outcome::delivered, 999'700);
    session.end();
    EXPECT_FALSE(session.found("interface-down"));
    EXPECT_TRUE(session.found("left-out-sends"));
}

TEST(Losses, ThatWereLeftOutThemselvesAreSaidToBeSeenInPart) {
    Session session;
    session.add(1000, made::delivered());
    leave_out(session, Outcome::dropped, 500);
    session.end();
    EXPECT_TRUE(
        says(evidence(session.found("left-out-sends")), "500 dropped or failed sends are among those left out"));
    int in_part = 0;
    for (const Subject& subject : session.findings.looked().subjects) in_part += subject.sight == Sight::in_part;
    EXPECT_EQ(in_part, 8);
}

TEST(Losses, AreSharesOfWhatWasRecordedWhereFilesAreMissingToo) {
    Session session;
    session.add(10, made::delivered());
    session.add(10, made::failed());
    leave_out(session, Outcome::delivered, 1000);
    session.ending.missing.before = 1;
    session.end();
    EXPECT_TRUE(says(session.found("interface-down")->title, "10 of the 20 sends recorded (50 %)"))
        << session.found("interface-down")->title;
}

TEST(LeftOutRule, FindsNothingWhereEverySendWasRecorded) {
    Session session;
    session.add(20, made::delivered());
    session.end();
    EXPECT_FALSE(session.found("left-out-sends"));
}

TEST(Findings, OfTimeSayThatTheyAreOfTheSendsRecordedWhereOthersWereLeftOut) {
    Session session;
    Send copied = made::delivered();
    made::pass(copied.record, SR_SLOT_COPY, Stage::copy, 1'002'900, 1'008'900);
    copied.record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    session.add(100, copied);
    session.ending.ledger.left_out = 900;
    session.ending.ledger.decoded += 900;
    session.ending.ledger.decoded_by_outcome[static_cast<std::size_t>(Outcome::failed)] = 900;
    session.end();
    EXPECT_EQ(session.found("copies")->title,
              "copying 100 frames took 60 % of the time that the sends recorded spent in the kernel, 6.00 us in the "
              "median");
    EXPECT_TRUE(says(session.found("bypass")->title, "100 of the 100 sends recorded (100 %)"));
}

// Idle calls are counted for the whole session: beside some of its calls they would be too many.
TEST(Findings, LeaveIdleCallsOnARingAloneWhereNotAllSendsAreHere) {
    const auto changes = {
        +[](Ending& ending) { ending.ledger.left_out = 90; },
        +[](Ending& ending) { ending.missing.before = 1; },
        +[](Ending& ending) {
            ending.capture.emplace();
            ending.ledger.shown = 1;
        },
    };
    for (const auto& change : changes) {
        Session session;
        session.add(10, made::ring());
        session.ending.ledger.ring_idle = 90;
        session.ending.ledger.decoded += 90;
        Origin origin;
        static const made::Names names;
        origin.stages = full_stages;
        session.findings.begin(origin, made::plan(), names);
        change(session.ending);
        session.end();
        EXPECT_FALSE(session.found("tx-ring-idle"));
        for (const Subject& subject : session.findings.looked().subjects) {
            const bool idle = subject.text == "calls on a TX ring that find it empty";
            EXPECT_FALSE(idle && subject.sight == Sight::whole);
        }
    }
}

}  // namespace
}  // namespace sockray
