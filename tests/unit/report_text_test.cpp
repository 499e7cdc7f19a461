#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/analyze_records.h"
#include "tests/unit/report_texts.h"
#include "user/report/chain_text.h"
#include "user/report/plan_text.h"

namespace sockray {
namespace {

using namespace texts;

std::string plan_text(const Style& style, bool inlined = true) {
    fmt::memory_buffer out;
    append_plan_text(out, made::plan(inlined), style);
    return fmt::to_string(out);
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

TEST(ChainText, OfOneSendSpeaksOfOne) {
    Session session;
    session.add(made::delivered());
    const std::string text = session.chain_text();
    EXPECT_TRUE(has(text, "CHAIN  1 send by sendto")) << text;
    EXPECT_TRUE(has(text, "1 of 1 hit lies between packet_sendmsg and ")) << text;
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
    EXPECT_TRUE(has(text, "TX ring: one call sends many frames, and all hits are counted once a frame")) << text;
    EXPECT_TRUE(has(text, "located tpacket_snd: 16 of 16 frames lie between packet_sendmsg and sock_alloc_send_pskb\n"))
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
