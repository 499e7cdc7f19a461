#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "tests/unit/report_texts.h"

namespace sockray {
namespace {

using namespace texts;

TEST(LedgerText, ShowsEveryOutcomeAndWhy) {
    const std::string text = mixed().ledger_text();
    for (const char* part :
         {"  attempted           1004\n", "    delivered         1001\n", "    dropped              1\n",
          "    failed               2\n", "  2  ENETDOWN: veth0 is down\n", "  1  QDISC_DROP at",
          "    queued               0\n", "    unknown              0\n",
          "  seen 1004 = decoded 1004 + lost 0 (no room 0, missed 0, no seat 0, rejected 0)\n"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST(LedgerText, CountsLostRecordsAsUnknownAndSaysWhatToDo) {
    Session session = mixed();
    session.ledger.sends.seen += 7;
    session.ledger.sends.lost = {5, 2, 0, 0};
    const std::string text = session.ledger_text();
    EXPECT_TRUE(has(text, "    unknown              7\n")) << text;
    EXPECT_TRUE(has(text, "7  tracing lost their records, see below")) << text;
    EXPECT_TRUE(has(text, "seen 1011 = decoded 1004 + lost 7 (no room 5, missed 2, no seat 0, rejected 0)")) << text;
    EXPECT_TRUE(has(text, "--ring")) << text;
    EXPECT_FALSE(has(text, "do not balance"));
    EXPECT_TRUE(has(session.ledger_text(colored), "\x1b[33mseen 1011"));
}

TEST(LedgerText, SaysSoWhenItsSumsDoNotBalance) {
    Session session = mixed();
    session.ledger.sends.seen++;
    EXPECT_TRUE(has(session.ledger_text(), "the sums do not balance"));
}

TEST(LedgerText, SaysWhatOfTheDrivenSendsWasFoundAgain) {
    Session session = mixed();
    session.ledger.driven = 1004;
    session.ledger.correlated = 1000;
    EXPECT_TRUE(has(session.ledger_text(), "driven 1004, correlated 1000: 4 were not found in the records\n"));
    session.ledger.correlated = 1004;
    EXPECT_TRUE(has(session.ledger_text(), "driven 1004, correlated 1004\n"));
    EXPECT_FALSE(has(mixed().ledger_text(), "driven"));
}

TEST(LedgerText, SaysWhatTheFilterKeptAwayAndWhatItCouldNotJudge) {
    Session session = mixed();
    EXPECT_FALSE(has(session.ledger_text(wide), "filter"));
    session.ledger.filtered = 900;
    session.ledger.filter_no_frame = 3;
    session.ledger.filter_unjudged = 5;
    const std::string text = session.ledger_text(wide);
    EXPECT_TRUE(has(text, "900 more sends were seen whose frame did not match the filter")) << text;
    EXPECT_TRUE(has(text, "3 of the decoded sends ended before there was a frame")) << text;
    EXPECT_TRUE(has(text, "5 of the decoded sends have a frame that the filter could not judge")) << text;
    session.ledger.driven = 1904;
    session.ledger.correlated = 1004;
    EXPECT_FALSE(has(session.ledger_text(wide), "not found in the records"));
}

TEST(LedgerText, SaysHowManySendsWereLeftOutAndHowManyOfTheOthersWereShown) {
    Session session = mixed();
    session.ledger.shown = 3;
    session.ledger.left_out = session.ledger.decoded - 4;
    const std::string text = session.ledger_text(wide);
    EXPECT_TRUE(has(text, "of the decoded sends were neither shown nor recorded: --outcome did not ask")) << text;
    EXPECT_TRUE(has(text, "shown above: the first 3 of the 4 decoded and selected, as -c asked")) << text;
    session.ledger.shown = 4;
    EXPECT_FALSE(has(session.ledger_text(wide), "shown above")) << text;
}

TEST(LedgerText, OfASessionWhoseRecordingEndedEarlySaysWhatWasNotWrittenAndWhy) {
    const Session session = mixed();
    Ending ending;
    ending.ledger = session.ledger;
    EXPECT_FALSE(has(session.ledger_text(wide), "not written"));
    ending.cut_short = CutShort{{700, 304, 0}, {}, "cannot write to /x/\x1b: No space left on device"};
    fmt::memory_buffer out;
    append_ledger_text(out, ending, session.reasons, session.devices, wide);
    const std::string text = fmt::to_string(out);
    EXPECT_TRUE(has(text, "  sends to record 1004 = written 700 + not written 304\n")) << text;
    EXPECT_TRUE(has(text, "    not written: cannot write to /x/\\x1b: No space left on device\n")) << text;
    EXPECT_FALSE(has(text, "frames to record"));
    ending.cut_short->frames = {1, 2, 3};
    out.clear();
    append_missing_text(out, ending, wide);
    EXPECT_TRUE(has(fmt::to_string(out), "frames to record 6 = written 1 + not written 2 + removed by -W 3\n"));
}

TEST(LedgerText, HoldsTheDevicesOwnCounterAgainstTheFramesDelivered) {
    Session session = mixed();  // 1000 frames and, with the next, 16 of a TX ring
    for (std::uint32_t frame = 1; frame < 16; frame++) session.add(made::ring_of_many(frame));
    const auto verdict = [&](std::uint64_t packets, std::uint64_t dropped = 0) {
        return session.ledger_text(plain, {{"veth0", packets, 0, dropped, 0, 0}});
    };
    EXPECT_TRUE(has(verdict(1016), "veth0 counted tx_packets +1016 = delivered 1016\n")) << verdict(1016);
    EXPECT_TRUE(has(verdict(1019), "veth0 counted tx_packets +1019: 3 more than the 1016 delivered")) << verdict(1019);
    EXPECT_TRUE(
        has(verdict(1006, 10),
            "veth0 counted tx_packets +1006: 10 fewer than the 1016 delivered; it counts late, or dropped them\n"
            "  itself; tx_dropped +10\n"))
        << verdict(1006, 10);
}

TEST(LedgerText, HoldsTheQdiscsCountersAgainstIt) {
    const Session session = mixed();
    DeviceDelta delta{"veth0", 1001, 0, 0, 0, 0};
    delta.qdisc = {
        .kind = "tbf", .packets = 900, .drops = 7, .requeues = 2, .overlimits = 0, .waited = 0, .waiting = 0};
    const std::string text = session.ledger_text(plain, {delta});
    EXPECT_TRUE(
        has(text, "its tbf qdisc counted sent +900: 100 fewer than the 1000 delivered through it; some went past"))
        << text;
    EXPECT_TRUE(has(text, "requeues +2")) << text;
    EXPECT_TRUE(has(text, "its tbf qdisc counted drops +7: ")) << text;
    EXPECT_TRUE(has(text, "its tbf qdisc counted waiting 0 = queued 0")) << text;
    delta.qdisc.kind = "noqueue";
    EXPECT_FALSE(has(session.ledger_text(plain, {delta}), "qdisc counted"));
}

TEST(LedgerText, SaysNothingOfFramesWhereNoneWentBehindItsSend) {
    EXPECT_FALSE(has(mixed().ledger_text(), "what became of frames"));
}

TEST(LedgerText, SumsUpTheFramesBehindTheReturnOfTheirSends) {
    Session session = mixed();
    session.ledger.frames = {.seen = 1234, .decoded = 1234, .no_room = 0, .map_full = 0, .missed = 0};
    const std::string good = session.ledger_text(wide);
    EXPECT_TRUE(has(good,
                    "  what became of frames after their calls: 1234 records = decoded 1234 + lost 0; not followed for "
                    "want of room (--in-flight) 0, end not seen 0\n"))
        << good;
    EXPECT_FALSE(has(session.ledger_text(colored), "\x1b[33mwhat became"));
}

TEST(LedgerText, WarnsOfFramesWhoseEndsAreNotKnown) {
    const FrameTally losses[] = {{.seen = 10, .decoded = 8, .no_room = 2, .map_full = 0, .missed = 0},
                                 {.seen = 10, .decoded = 7, .no_room = 2, .map_full = 0, .missed = 0, .rejected = 1},
                                 {.seen = 0, .decoded = 0, .no_room = 0, .map_full = 3, .missed = 0},
                                 {.seen = 10, .decoded = 10, .no_room = 0, .map_full = 0, .missed = 4}};
    const char* parts[] = {"10 records = decoded 8 + lost 2;", "10 records = decoded 7 + lost 2 + rejected 1;",
                           "0 records = decoded 0 + lost 0; not followed for want of room (--in-flight) 3",
                           "end not seen 4\n"};
    for (std::size_t i = 0; i < std::size(losses); i++) {
        Session session = mixed();
        session.ledger.frames = losses[i];
        EXPECT_TRUE(has(session.ledger_text(wide), parts[i])) << session.ledger_text(wide);
        EXPECT_TRUE(has(session.ledger_text(colored), "\x1b[33mwhat became")) << session.ledger_text(colored);
        EXPECT_FALSE(has(session.ledger_text(), "do not balance")) << "frames are no sends";
    }
}

TEST(LedgerText, SaysOfWhichStagesTheKernelKeepsNoCountOfSkippedHits) {
    Session session = mixed();
    const std::string words = "the hooks of packet_sendmsg, sock_alloc_send_pskb is unknown";
    EXPECT_FALSE(has(session.ledger_text(), words)) << session.ledger_text();
    session.ledger.uncounted = {Stage::packet_sendmsg, Stage::alloc};
    EXPECT_TRUE(has(session.ledger_text(), words)) << session.ledger_text();
}

TEST(LedgerText, SaysWhichStagesPartialSendsLackTheReturnOf) {
    Session session = mixed();
    session.ledger.partial = 3;
    EXPECT_TRUE(has(session.ledger_text(), "3 decoded sends lack the return of a stage, whose hook the kernel skipped"))
        << session.ledger_text();
    session.ledger.partial_by_stage = {{Stage::packet_sendmsg, 2}, {Stage::alloc, 3}};
    EXPECT_TRUE(has(session.ledger_text(),
                    "3 decoded sends lack the return of a stage (packet_sendmsg 2, sock_alloc_send_pskb 3)"))
        << session.ledger_text();
}

TEST(LedgerText, SaysOnWhichCpusRecordsWereLostAndWhereSkippedHooksLeftATrace) {
    Session session = mixed();
    session.ledger.lost_by_cpu = {{.cpu = 1, .sends_no_room = 3, .no_memory = 1},
                                  {.cpu = 2, .unopened = 5},
                                  {.cpu = 3, .unopened = 1, .passages_lost = 4}};
    const std::string text = session.ledger_text();
    for (const char* part : {"no room, no seat, not followed: CPU 1: 4\n",
                             "returns of packet_sendmsg whose entry was skipped or found no seat: CPU 2: 5, CPU 3: 1\n",
                             "frames whose return from the driver, or end, was not seen: CPU 3: 4\n"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST(LedgerText, SaysHowOftenFramesWereOfferedToPacketSocketsAndWhatTheseDid) {
    Session session = mixed();
    EXPECT_FALSE(has(session.ledger_text(), "offered"));
    session.add(made::followed());
    EXPECT_TRUE(
        has(session.ledger_text(wide),
            "  offered to packet sockets of this machine: 1 time = taken 1 + no room 0 + not wanted 0 + unknown "
            "0\n"))
        << session.ledger_text(wide);
    EXPECT_FALSE(has(session.ledger_text(), "buffer or ring was full"));
    Send full = made::followed();
    full.record.received = SR_RECEIVED_FULL;
    for (int i = 0; i < 4; i++) session.add(full);
    const std::string text = session.ledger_text(wide);
    EXPECT_TRUE(has(text, "5 times = taken 1 + no room 4 + not wanted 0 + unknown 0\n")) << text;
    EXPECT_TRUE(has(text, "buffer or ring was full")) << text;
    EXPECT_LE(widest(session.ledger_text(narrow)), 80);
}

TEST(LedgerText, OfReasonsThatItLeavesOutSaysWhereTheyAre) {
    Session session;
    for (int i = 0; i < 12; i++) {
        Send failed = made::failed();
        failed.reason = "E" + std::string(static_cast<std::size_t>(i) + 1, 'X');
        session.add(failed);
    }
    const std::string text = session.ledger_text();
    EXPECT_TRUE(has(text, "  2  for other reasons (with --json every send tells its own)\n")) << text;
}

// A program that was told ETIMEDOUT looks for it here: the call is no send.
TEST(LedgerText, TellsOfCallsThatOnlyWaitedForTheEndsOfARingsFramesHowTheyEnded) {
    Session session = mixed();
    session.ledger.ring_idle = 9;
    EXPECT_TRUE(has(session.ledger_text(), "calls on a TX ring that found no frame to send: 9\n"));
    EXPECT_FALSE(has(session.ledger_text(), "of these"));
    session.ledger.ring_idle_timed_out = 3;
    session.ledger.ring_idle_interrupted = 1;
    const std::string text = session.ledger_text();
    EXPECT_TRUE(has(text, "of these, 3 calls were told ETIMEDOUT")) << text;
    EXPECT_TRUE(has(text, "of these, 1 call was ended by a signal")) << text;
}

TEST(LedgerText, SaysThatFramesOfARingMayHaveBeenPassedOverUnseen) {
    Session session = mixed();
    EXPECT_FALSE(has(session.ledger_text(), "unseen"));
    session.ledger.ring_overlapped = 12;
    EXPECT_TRUE(has(session.ledger_text(wide), "malformed frames unseen: 12: another thread's call"))
        << session.ledger_text(wide);
}

TEST(LedgerText, FitsTheWidth) {
    Session session = mixed();
    session.ledger.frames = {.seen = 123456, .decoded = 123450, .no_room = 6, .map_full = 7, .missed = 8};
    session.ledger.sends.lost = {5, 2, 1, 1};
    session.ledger.partial = 3;
    session.ledger.ring_idle = session.ledger.ring_idle_timed_out = session.ledger.ring_idle_interrupted = 123456;
    session.ledger.ring_overlapped = 123456;
    EXPECT_LE(widest(session.ledger_text(narrow, {{"veth0", 2000, 0, 1, 1, 0}})), 80);
}

}  // namespace
}  // namespace sockray
