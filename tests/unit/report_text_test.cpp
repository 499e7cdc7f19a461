#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "user/report/chain_text.h"
#include "user/report/ledger_text.h"
#include "user/report/plan_text.h"
#include "user/report/senders_text.h"

namespace sockray {
namespace {

constexpr Style plain{false, true, 100, false};
constexpr Style ascii{false, false, 100, false};
constexpr Style wide{false, true, 300, false};
constexpr Style narrow{false, true, 80, true};
constexpr Style colored{true, true, 100, true};

// What a session of sends leaves behind.
struct Session {
    Chain chain;
    Reasons reasons;
    Senders senders;
    Devices devices;
    Ledger ledger;

    void add(const Send& send) {
        chain.add(send);
        reasons.add(send);
        senders.add(send);
        devices.add(send);
        ledger.decoded++;
        ledger.sends.seen++;
        ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
    }
    std::string ledger_text(const Style& style = plain, const std::vector<DeviceDelta>& deltas = {}) const {
        fmt::memory_buffer out;
        Ending ending;
        ending.ledger = ledger;
        ending.devices = deltas;
        append_ledger_text(out, ending, reasons, devices, style);
        return fmt::to_string(out);
    }
    std::string chain_text(bool inlined = false, const Style& style = plain) const {
        fmt::memory_buffer out;
        append_chain_text(out, chain, made::plan(inlined), {}, style);
        return fmt::to_string(out);
    }
    std::string senders_text(const Style& style = plain) const {
        fmt::memory_buffer out;
        append_senders_text(out, senders, style);
        return fmt::to_string(out);
    }
};

Session mixed() {
    Session session;
    for (int i = 0; i < 1000; i++) session.add(made::delivered());
    for (int i = 0; i < 2; i++) session.add(made::failed());
    session.add(made::dropped());
    session.add(made::ring());
    return session;  // 1004 sends
}

std::string plan_text(const Style& style, bool inlined = true) {
    fmt::memory_buffer out;
    append_plan_text(out, made::plan(inlined), style);
    return fmt::to_string(out);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

int widest(const std::string& text) {
    int width = 0;
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; begin = end + 1, end = text.find('\n', begin))
        width = std::max(width, columns(std::string_view(text).substr(begin, end - begin)));
    return width;
}

TEST(PlanText, HasALineForEveryStageInTwoGroups) {
    const std::string text = plan_text(plain);
    for (const StageInfo& info : all_stages) EXPECT_TRUE(has(text, "\n  " + std::string(info.name) + " ")) << info.name;
    EXPECT_LT(text.find("SOCKET CREATION"), text.find("__sock_create"));
    EXPECT_LT(text.find("packet_create"), text.find("\nSEND"));
    EXPECT_LT(text.find("\nSEND"), text.find("__sys_sendto"));
}

TEST(PlanText, ShowsWhereALocatedHookSits) {
    EXPECT_TRUE(has(plan_text(plain), "  packet_snd                   located   kprobe at packet_sendmsg+1547\n"))
        << plan_text(plain);
}

// A stage has the name of its function: where the hook sits in another one, the plan says in which.
TEST(PlanText, NamesTheFunctionOfAHookOnlyWhereItIsNotTheStages) {
    EXPECT_TRUE(has(plan_text(plain), "  sock_alloc_send_pskb         probed    kprobe+kretprobe\n"));
    EXPECT_TRUE(has(plan_text(plain), "  qdisc_dequeue                probed    tracepoint\n"));
    EXPECT_TRUE(has(plan_text(plain), "  ndo_start_xmit               probed    tracepoint net_dev_start_xmit\n"));
    Plan renamed = made::plan();
    renamed.find(Stage::queue_xmit)->function = "dev_queue_xmit";
    fmt::memory_buffer out;
    append_plan_text(out, renamed, plain);
    EXPECT_TRUE(
        has(fmt::to_string(out), "  __dev_queue_xmit             probed    kprobe+kretprobe on dev_queue_xmit\n"))
        << fmt::to_string(out);
}

TEST(PlanText, WrapsReasonsToTheWidth) {
    EXPECT_LE(widest(plan_text(plain)), 100);
    EXPECT_LE(widest(plan_text(narrow)), 80);
    EXPECT_TRUE(has(plan_text(narrow), "derived   no such symbol here: "));
}

TEST(ChainText, ShowsEveryStageOfThePathWithItsHitsAndTimes) {
    Session session;
    for (int i = 0; i < 1000; i++) session.add(made::delivered());
    const std::string text = session.chain_text();
    for (const char* part :
         {"CHAIN  1000 sends by sendto on veth0: 1000 delivered\n",
          "  __sys_sendto                          probed           1000  10.0 us  10.0 us  █",
          "  ├─ sockfd_lookup_light                probed           1000   400 ns   400 ns  ",
          "  ├─ sock_sendmsg                       probed         not on this path\n",
          "  └─ __sock_sendmsg                     probed           1000",
          "     └─ packet_sendmsg                  probed           1000",
          "        └─ packet_snd                   located +1547    1000",
          "           ├─ sock_alloc_send_pskb      probed           1000",
          "           └─ __dev_queue_xmit          probed           1000",
          "              └─ dev_hard_start_xmit    probed           1000",
          "located packet_snd: 1000 of 1000 hits lie between packet_sendmsg and sock_alloc_send_pskb\n",
          "Times include the hooks' own cost."})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST(ChainText, ShowsInlinedStagesInTheirPlaceWithTheReason) {
    Session session;
    session.add(made::inlined(made::delivered()));
    const std::string text = session.chain_text(true);
    EXPECT_TRUE(has(text, "  ├─ sockfd_lookup_light                derived        no such symbol here: ")) << text;
    EXPECT_TRUE(has(text, "  └─ __sock_sendmsg                     derived        no such symbol here: ")) << text;
    EXPECT_TRUE(has(text, "     └─ packet_sendmsg ")) << text;
}

TEST(ChainText, SaysPlainlyWhenALocatedHookIsOutOfPlace) {
    Session session;
    session.add(made::delivered());
    Send wrong = made::delivered();
    wrong.record.body_hits = 2;
    session.add(wrong);
    EXPECT_TRUE(has(session.chain_text(), "located packet_snd: 1 of 2 hits lie between")) << session.chain_text();
    EXPECT_TRUE(has(session.chain_text(false, colored), "\x1b[31mlocated packet_snd"));
}

TEST(ChainText, PutsThePathOfMostSendsFirst) {
    Session session;
    session.add(made::failed());
    for (int i = 0; i < 3; i++) session.add(made::delivered());
    const std::string text = session.chain_text();
    EXPECT_LT(text.find("3 sends"), text.find("1 send "));
}

TEST(ChainText, CountsEachFrameOfATxRingAndSaysWhatItsTimesAre) {
    Session session;
    for (std::uint32_t frame = 0; frame < 16; frame++) session.add(made::ring_of_many(frame));
    const std::string text = session.chain_text();
    EXPECT_TRUE(has(text, "CHAIN  16 sends by send on veth0: 16 delivered\n")) << text;
    EXPECT_TRUE(
        has(text, "TX ring: one call sends many frames; the times of packet_sendmsg and tpacket_snd are those "))
        << text;
    EXPECT_TRUE(has(text, "located tpacket_snd: 16 of 16 hits lie between packet_sendmsg and sock_alloc_send_pskb\n"))
        << text;
    Session without;
    without.add(made::delivered());
    EXPECT_FALSE(has(without.chain_text(), "TX ring"));
}

TEST(ChainText, ShowsMomentsByTheirPlaceAndSaysSo) {
    Session session;
    for (int i = 0; i < 1000; i++) session.add(made::followed());
    const std::string text = session.chain_text();
    for (const char* part :
         {"├─ qdisc_enqueue          probed           1000 +6.00 us +6.00 us",
          "─ qdisc_dequeue          probed           1000 +28.0 us +28.0 us",
          "─ ndo_start_xmit         probed           1000  1.00 us  1.00 us",
          "─ packet_rcv             probed           1000 +35.0 us +35.0 us",
          "─ skb_freed              probed           1000 +40.0 us +40.0 us",
          "  +: a moment, from the start of __sys_sendto; it can lie behind the return of the send\n"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
    Session without;
    without.add(made::delivered());
    EXPECT_FALSE(has(without.chain_text(), "a moment")) << without.chain_text();
}

TEST(ChainText, FitsTheWidth) {
    for (const bool inlined : {false, true}) {
        EXPECT_LE(widest(mixed().chain_text(inlined)), 100);
        EXPECT_LE(widest(mixed().chain_text(inlined, narrow)), 80);
    }
}

TEST(ChainText, ShowsTheMediansWithoutTheHooksShareWhereThatIsAskedForAndKnown) {
    Session session;
    for (int i = 0; i < 10; i++) session.add(made::delivered());
    const auto text = [&](const std::optional<TracingCost>& cost, const Style& style) {
        fmt::memory_buffer out;
        append_chain_text(out, session.chain, made::plan(), cost, style, true);
        return fmt::to_string(out);
    };
    const std::string known = text(TracingCost{2'300, 2'000, 2'600}, wide);
    EXPECT_TRUE(has(known, "median      p99         ~\n"));
    EXPECT_TRUE(has(known, "10.0 us  10.0 us  ~8.60 us"));
    EXPECT_TRUE(has(known, "3.50 us  3.50 us  ~3.40 us"));
    for (const char* words : {"~ is the median without the hooks' share", "100 ns for each", "of the 23"})
        EXPECT_TRUE(has(known, words)) << known;
    const std::string unknown = text({}, wide);
    EXPECT_FALSE(has(unknown, "~"));
    EXPECT_TRUE(has(unknown, "Without the hooks' share they cannot be shown: what tracing adds was not measured."));
    EXPECT_LE(widest(text(TracingCost{2'300, 2'000, 2'600}, narrow)), narrow.width);
}

TEST(ChainText, SaysNothingWithoutSends) {
    EXPECT_EQ(Session().chain_text(), "");
}

TEST(LedgerText, ShowsEveryOutcomeAndWhy) {
    const std::string text = mixed().ledger_text();
    for (const char* part :
         {"  attempted           1004\n", "    delivered         1001\n", "    dropped              1\n",
          "    failed               2\n", "  2  ENETDOWN: veth0 is down\n", "  1  QDISC_DROP at",
          "    queued               0\n", "    unknown              0\n",
          "  seen 1004 = decoded 1004 + lost 0 (no room 0, missed 0, no memory 0, rejected 0)\n"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST(LedgerText, CountsLostRecordsAsUnknownAndSaysWhatToDo) {
    Session session = mixed();
    session.ledger.sends.seen += 7;
    session.ledger.sends.lost = {5, 2, 0, 0};
    const std::string text = session.ledger_text();
    EXPECT_TRUE(has(text, "    unknown              7\n")) << text;
    EXPECT_TRUE(has(text, "7  tracing lost their records, see below")) << text;
    EXPECT_TRUE(has(text, "seen 1011 = decoded 1004 + lost 7 (no room 5, missed 2, no memory 0, rejected 0)")) << text;
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
    EXPECT_FALSE(has(mixed().ledger_text(), "frames behind"));
}

TEST(LedgerText, SumsUpTheFramesBehindTheReturnOfTheirSends) {
    Session session = mixed();
    session.ledger.frames = {.seen = 1234, .decoded = 1234, .no_room = 0, .map_full = 0, .missed = 0};
    const std::string good = session.ledger_text(wide);
    EXPECT_TRUE(has(good,
                    "  frames behind the return of their sends: 1234 events = decoded 1234 + lost 0; not followed 0 "
                    "(--in-flight), return from the driver not seen 0\n"))
        << good;
    EXPECT_FALSE(has(session.ledger_text(colored), "\x1b[33mframes behind"));
}

TEST(LedgerText, WarnsOfFramesWhoseEndsAreNotKnown) {
    const FrameTally losses[] = {{.seen = 10, .decoded = 8, .no_room = 2, .map_full = 0, .missed = 0},
                                 {.seen = 0, .decoded = 0, .no_room = 0, .map_full = 3, .missed = 0},
                                 {.seen = 10, .decoded = 10, .no_room = 0, .map_full = 0, .missed = 4}};
    const char* parts[] = {"10 events = decoded 8 + lost 2;",
                           "0 events = decoded 0 + lost 0; not followed 3 (--in-flight)",
                           "return from the driver not seen 4\n"};
    for (std::size_t i = 0; i < std::size(losses); i++) {
        Session session = mixed();
        session.ledger.frames = losses[i];
        EXPECT_TRUE(has(session.ledger_text(wide), parts[i])) << session.ledger_text(wide);
        EXPECT_TRUE(has(session.ledger_text(colored), "\x1b[33mframes behind")) << session.ledger_text(colored);
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

TEST(LedgerText, SaysOnWhichCpusRecordsWereLostAndWhereSkippedHooksLeftATrace) {
    Session session = mixed();
    session.ledger.lost_by_cpu = {{.cpu = 1, .sends_no_room = 3, .no_memory = 1},
                                  {.cpu = 2, .unopened = 5},
                                  {.cpu = 3, .unopened = 1, .passages_lost = 4}};
    const std::string text = session.ledger_text();
    for (const char* part :
         {"no room, no memory, not followed: CPU 1: 4\n",
          "returns of packet_sendmsg whose entry was skipped or found no memory: CPU 2: 5, CPU 3: 1\n",
          "frames whose return from the driver was not seen: CPU 3: 4\n"})
        EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST(LedgerText, FitsTheWidth) {
    Session session = mixed();
    session.ledger.frames = {.seen = 123456, .decoded = 123450, .no_room = 6, .map_full = 7, .missed = 8};
    session.ledger.sends.lost = {5, 2, 1, 1};
    session.ledger.partial = 3;
    EXPECT_LE(widest(session.ledger_text(narrow, {{"veth0", 2000, 0, 1, 1, 0}})), 80);
}

TEST(SendersText, ListsWhoSentWhatWithTheBusiestFirst) {
    Session session;
    Send other = made::failed();
    made::set(other.record.comm, "dhclient");
    other.record.pid = 900;
    session.add(other);
    for (int i = 0; i < 4; i++) session.add(made::delivered());
    const std::string text = session.senders_text();
    EXPECT_TRUE(has(text, "  arping[812]       veth0   sendto          4        168         4\n")) << text;
    EXPECT_TRUE(has(text, "  dhclient[900]     veth0   sendto          1         42         0  1 failed\n")) << text;
    EXPECT_LT(text.find("arping"), text.find("dhclient"));
}

TEST(ReportText, HasColorCodesOnlyWhereTheStyleHasColorsAndIsAsciiWithoutUtf8) {
    Session session = mixed();
    session.add(made::followed());
    session.ledger.frames.seen = session.ledger.frames.decoded = 1;
    Send hostile = made::failed();
    made::set(hostile.record.comm, "\x1b[31m가");
    made::set(hostile.record.ifname, "\x07가\xff");
    hostile.reason = "ENETDOWN: \x07가\xff is down";
    session.add(hostile);
    session.ledger.sends.lost.missed = 1;
    const std::vector<DeviceDelta> deltas = {{"\x1b가", 1, 0, 0, 0, 0}};
    const auto all = [&](const Style& style) {
        return plan_text(style) + session.chain_text(true, style) + session.ledger_text(style, deltas) +
               session.senders_text(style);
    };
    EXPECT_FALSE(has(all(plain), "\x1b"));
    EXPECT_FALSE(has(all(plain), "\x07"));
    EXPECT_FALSE(has(all(plain), "\xff"));
    EXPECT_TRUE(has(all(colored), "\x1b[1m"));
    for (const char c : all(ascii)) ASSERT_TRUE((c >= 0x20 && c < 0x7f) || c == '\n');
}

}  // namespace
}  // namespace sockray
