// The page: what it holds, and that it holds nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/report_pages.h"
#include "user/report/html/assets.h"
#include "user/report/html/page.h"
#include "user/report/html/plot.h"
#include "user/report/html/text.h"
#include "user/report/ledger_words.h"

namespace sockray {
namespace {

std::vector<Finding> one_finding() {
    return {{"a-rule",
             "12 sends " + std::string(made::hostile_text),
             0.25,
             {"12 of 40 sends"},
             {1, 999'999'999},
             "cause",
             "advice"}};
}

Looked nothing_looked_at() {
    return {};
}

using pages::holds;
using pages::occurrences;

std::string page_of(std::uint64_t sends, Ending* ending = nullptr) {
    return pages::page_of(sends, one_finding, ending);
}

// The first thing that is wrong with the nesting of elements or the quotes of attributes; empty: nothing. The text of
// style and script is passed over.
std::string flaw_of(std::string_view page) {
    static const std::vector<std::string_view> empty = {"meta", "link", "!DOCTYPE"};
    std::vector<std::string_view> open;
    for (std::size_t at = page.find('<'); at != std::string_view::npos; at = page.find('<', at)) {
        std::size_t end = at + 1;
        for (char quote = 0; end < page.size() && (quote || page[end] != '>'); end++) {
            if (page[end] == '<') return "a < in a tag: " + std::string(page.substr(at, 60));
            if (page[end] == '"') quote = quote ? 0 : '"';
        }
        if (end == page.size()) return "a tag has no end";
        const std::string_view tag = page.substr(at + 1, end - at - 1);
        at = end;
        if (tag.starts_with('/')) {
            if (open.empty() || open.back() != tag.substr(1)) return "unexpected end of " + std::string(tag);
            open.pop_back();
            continue;
        }
        const std::string_view name = tag.substr(0, tag.find_first_of(" /"));
        if (tag.ends_with('/') || std::find(empty.begin(), empty.end(), name) != empty.end()) continue;
        open.push_back(name);
        if (name == "style" || name == "script") at = page.find("</" + std::string(name), at);
    }
    return open.empty() ? "" : "not closed: " + std::string(open.back());
}

TEST(ReportHtml, IsWellFormed) {
    EXPECT_EQ(flaw_of(page_of(3000)), "");
    EXPECT_EQ(flaw_of(page_of(1)), "");
    EXPECT_EQ(flaw_of(page_of(0)), "");
}

TEST(ReportHtml, HoldsNoMarkupFromOutside) {
    const std::string page = page_of(3000);
    EXPECT_FALSE(holds(page, "<img"));
    EXPECT_FALSE(holds(page, "\x1b"));
    EXPECT_EQ(occurrences(page, "</script"), 1U);
    EXPECT_EQ(occurrences(page, "<script"), 1U);
    EXPECT_TRUE(holds(page, "&lt;/b&gt;&lt;img src=x&gt;"));  // the task's name is there, as text
    EXPECT_TRUE(holds(page, "&quot;&#39;&amp;\\x1b[2J"));
}

TEST(ReportHtml, AsksForNothingFromOutside) {
    std::string page = page_of(3000);
    EXPECT_FALSE(holds(page, "http:"));
    EXPECT_FALSE(holds(page, "https:"));
    EXPECT_FALSE(holds(page, "//cdn"));
    EXPECT_FALSE(holds(page, " src=\""));
    EXPECT_FALSE(holds(page, " style=\""));  // the policy would not allow it
    EXPECT_TRUE(holds(page, "default-src &#39;none&#39;"));
    EXPECT_TRUE(holds(page, html::escaped(html::csp_source(html::script))));
    EXPECT_TRUE(holds(page, html::escaped(html::csp_source(html::style))));
}

TEST(ReportHtml, ShowsTheCountsOfTheLedger) {
    Ending ending;
    const std::string page = page_of(3000, &ending);
    const Ledger& ledger = ending.ledger;
    ASSERT_TRUE(ledger.balances());
    for (int i = 0; i < outcome_count; i++) {
        const auto outcome = static_cast<Outcome>(i);
        EXPECT_TRUE(holds(page, fmt::format(">{}</th><td class=\"n\">{}</td>", outcome_name(outcome),
                                            html::number(ledger.count(outcome)))));
    }
    EXPECT_TRUE(holds(page, fmt::format(">attempted</th><td class=\"n\">{}</td>", html::number(ledger.attempted()))));
    for (const LedgerLine& line : loss_words(ending)) EXPECT_TRUE(holds(page, html::escaped(line.text))) << line.text;
}

TEST(ReportHtml, ShowsTheTimesOfTheChain) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    const Plan plan = made::plan(true);
    const made::Names names;
    const Origin origin = made::origin();
    page.begin(origin, plan, names);
    page.send(made::delivered(1));
    page.end({});
    const std::string text = fmt::to_string(out);
    // packet_snd has 8.0 of the 10 us; 1.3 of them are the allocation, 5.5 those of __dev_queue_xmit.
    EXPECT_TRUE(holds(text,
                      "packet_snd</code></th><td><span class=\"ev located\">located +1547</span></td>"
                      "<td class=\"n\">1</td><td class=\"n\">8.00 us</td><td class=\"n\">8.00 us</td>"));
    EXPECT_TRUE(holds(text, "80.0 %</span></td><td class=\"n\"><span class=\"part\">12.0 %</span></td>"));
}

TEST(ReportHtml, LinksAFindingToTheSendsThatAreShown) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    page.set_findings(one_finding, nothing_looked_at);
    made::MixedSession(5).tell(page);
    const std::string text = fmt::to_string(out);
    EXPECT_TRUE(holds(text, "<a href=\"#send-1\">#1</a>, #999999999"));
    EXPECT_EQ(occurrences(text, "id=\"send-1\""), 1U);
    EXPECT_TRUE(holds(text, "25 % of the frames"));
}

TEST(ReportHtml, HasAWaterfallOfEachSendThatAFindingNames) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    page.set_findings(
        [] {
            Finding finding = one_finding()[0];
            finding.sends = {1, 777};
            finding.examples = {made::delivered(1), made::delivered(777)};
            finding.more_sends = 12'000;
            return std::vector<Finding>{finding, finding};
        },
        nothing_looked_at);
    made::MixedSession(5).tell(page);
    const std::string text = fmt::to_string(out);
    EXPECT_TRUE(holds(text, "<a href=\"#send-1\">#1</a>, <a href=\"#send-777\">#777</a> and 12,000 more</dd>"));
    EXPECT_TRUE(holds(text, "<a href=\"#named\">"));
    EXPECT_EQ(occurrences(text, "id=\"send-1\""), 1U);
    EXPECT_EQ(occurrences(text, "id=\"send-777\""), 1U) << "two findings name it";
}

TEST(ReportHtml, SaysWhatWasLookedAtAndWhatCouldNotBe) {
    const Looked looked{5,
                        0,
                        {{"frames over the MTU"},
                         {"copies that dominate", Sight::not_traced, Stage::copy},
                         {"receivers <without> room", Sight::not_there, Stage::packet_rcv},
                         {"the devices' own counters", Sight::recording_cut}}};
    const std::string page = pages::page_of(
        5, [] { return std::vector<Finding>(); }, nullptr, looked);
    EXPECT_EQ(flaw_of(page), "");
    EXPECT_TRUE(holds(page, "<p>Nothing stands out in 5 sends.</p>"));
    EXPECT_TRUE(holds(page, "<p class=\"muted\">looked at: frames over the MTU.</p>"));
    EXPECT_TRUE(holds(page, "(--stages full): copies that dominate (skb_copy_datagram_from_iter).</p>"));
    EXPECT_TRUE(holds(page, "says why): receivers &lt;without&gt; room (packet_rcv).</p>"));
    EXPECT_TRUE(holds(page, "the recording is not whole: the devices&#39; own counters.</p>"));
}

TEST(ReportHtml, SaysOfARecordingWithSendsLeftOutWhatItsNumbersAreOf) {
    const auto findings = [] {
        Finding finding = one_finding()[0];
        finding.kind = FindingKind::time;
        return std::vector<Finding>{finding};
    };
    const std::string page = pages::page_of(300, findings, nullptr, {300, 999'700, {}});
    EXPECT_TRUE(holds(page, "25 % of the time in the kernel, of the sends recorded</dd>"));
    EXPECT_TRUE(holds(page, "In 300 sends (999700 more were left out by --outcome).</p>"));
}

TEST(ReportHtml, OfARecordingThatWasCutOffSaysThatLossAndDevicesAreUnknown) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    const Plan plan = made::plan(true);
    const made::Names names;
    const Origin origin = made::origin();
    page.begin(origin, plan, names);
    page.send(made::delivered(1));
    Ending ending;
    ending.cut_off = true;
    ending.missing.rest = true;
    ending.ledger.decoded = ending.ledger.sends.seen = ending.ledger.decoded_by_outcome[0] = 1;
    page.end(ending);
    const std::string text = fmt::to_string(out);
    EXPECT_TRUE(holds(text, "lost: unknown, the recording ends before its ledger</p>")) << text;
    EXPECT_TRUE(holds(text, "<h3>Device counters</h3>\n<p class=\"warn\">Unknown"));
    EXPECT_TRUE(holds(text, "what is missing: those behind the last</p>"));
    EXPECT_FALSE(holds(text, "lost 0"));
}

TEST(ReportHtml, OfACaptureThatWasNotTracedHasItsFramesAndNoZerosOfSends) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    page.set_findings(one_finding, nothing_looked_at);
    const Plan plan;
    const made::Names names;
    const Origin origin = made::origin();
    page.begin(origin, plan, names);
    Ending ending;
    ending.capture.emplace();
    ending.capture->seen = ending.capture->received = 7;
    page.end(ending);
    const std::string text = fmt::to_string(out);
    EXPECT_EQ(flaw_of(text), "");
    EXPECT_TRUE(holds(text, "seen 7 = received 7 + sent 0 + lost 0 (no room 0, unread 0)</p>"));
    EXPECT_TRUE(holds(text, "The capture was not traced"));
    for (const char* part : {"attempted", ">delivered<", "<h2>Findings", "id=\"plan\"", "sockets created"})
        EXPECT_FALSE(holds(text, part)) << part;
}

TEST(ReportHtml, OfASessionWithoutSendsSaysSo) {
    const std::string page = page_of(0);
    EXPECT_TRUE(holds(page, "No send was recorded"));
    EXPECT_TRUE(holds(page, "id=\"ledger\""));
    EXPECT_TRUE(holds(page, "id=\"plan\""));
    EXPECT_TRUE(holds(page, "<dd class=\"plain\">unknown</dd>"));  // the median of nothing
    EXPECT_FALSE(holds(page, "nan"));
    EXPECT_FALSE(holds(page, "href=\"#chain\""));
}

TEST(ReportHtml, HoldsAgainstTimesThatMakeNoSense) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    const Plan plan = made::plan();
    const made::Names names;
    Origin origin = made::origin();
    origin.realtime_offset_ns = INT64_MAX;
    page.begin(origin, plan, names);
    Send send = made::delivered(1, 1);
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++)
        if (send.record.span[slot].end) send.record.span[slot].end = UINT64_MAX;
    page.send(send);
    page.send(made::delivered(2, UINT64_MAX - 20'000));
    page.send(made::delivered(3, UINT64_MAX / 2));
    send = made::delivered(4);
    send.record.span[SR_SLOT_ENTRY] = {UINT64_MAX, 1};
    page.send(send);
    page.send(Send{});
    page.end({});
    const std::string text = fmt::to_string(out);
    EXPECT_EQ(flaw_of(text), "");
    EXPECT_FALSE(holds(text, "\"nan"));
    EXPECT_FALSE(holds(text, "inf%"));
}

TEST(ReportHtml, WithoutRulesDoesNotSpeakOfFindings) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    made::MixedSession(5).tell(page);
    EXPECT_FALSE(holds(fmt::to_string(out), "id=\"findings\""));
}

TEST(ReportHtml, WritesNothingBeforeTheEndAndStaysSmall) {
    struct Watched : Sink {
        explicit Watched(HtmlPage& page, const fmt::memory_buffer& out) : page_(page), out_(out) {}
        void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override {
            page_.begin(origin, plan, names);
        }
        void socket(const sr_socket& record, std::uint64_t id) override { page_.socket(record, id); }
        void send(const Send& send) override { page_.send(send); }
        void end(const Ending& ending) override {
            EXPECT_EQ(out_.size(), 0U);
            page_.end(ending);
        }
        HtmlPage& page_;
        const fmt::memory_buffer& out_;
    };
    fmt::memory_buffer out;
    HtmlPage page(out);
    Watched watched(page, out);
    made::MixedSession(1'000'000).tell(watched);
    EXPECT_LT(out.size(), 1'500'000U);
    const std::string_view text(out.data(), out.size());
    EXPECT_LE(occurrences(text, "<details"),
              2 * SlowestSends::kept + UndeliveredSends::kept_reasons * UndeliveredSends::kept_of_each);
    EXPECT_EQ(flaw_of(text), "");
}

TEST(HtmlText, IsFreeOfMarkupAndControlCharacters) {
    EXPECT_EQ(html::escaped("<a href=\"x\">&'\n\x1b"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;\\x0a\\x1b");
}

TEST(HtmlText, GroupsDigits) {
    EXPECT_EQ(html::number(0), "0");
    EXPECT_EQ(html::number(999), "999");
    EXPECT_EQ(html::number(1000), "1,000");
    EXPECT_EQ(html::number(1234567), "1,234,567");
}

TEST(HtmlText, NeverRoundsSomeToNoneOrMostToAll) {
    EXPECT_EQ(html::column_percent(0.0), "0.0 %");
    EXPECT_EQ(html::column_percent(1.0), "100.0 %");
    EXPECT_EQ(html::column_percent(1, 100'000), "&lt; 0.1 %");
    EXPECT_EQ(html::column_percent(99'999, 100'000), "&gt; 99.9 %");
    EXPECT_EQ(html::column_percent(0, 0), "");
}

TEST(HtmlPolicy, NamesAHashAsBrowsersDo) {
    const html::Asset abc{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
    EXPECT_EQ(html::csp_source(abc), "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='");
}

std::vector<std::string> labels(const std::vector<html::Tick>& ticks) {
    std::vector<std::string> all;
    for (const html::Tick& tick : ticks) all.push_back(tick.label);
    return all;
}

TEST(HtmlAxis, MarksRoundTimes) {
    EXPECT_EQ(labels(html::time_ticks(0, 1'000'000'000)),
              (std::vector<std::string>{"+0.0 s", "+0.2 s", "+0.4 s", "+0.6 s", "+0.8 s", "+1.0 s"}));
    EXPECT_EQ(labels(html::time_ticks(-1500, 2500)), (std::vector<std::string>{"-1 us", "+0 us", "+1 us", "+2 us"}));
    EXPECT_TRUE(html::time_ticks(5, 5).empty());
    EXPECT_LE(html::time_ticks(0, INT64_MAX).size(), 7U);
}

TEST(HtmlAxis, MarksPowersOfTenOfDurations) {
    EXPECT_EQ(labels(html::log_ticks(800, 2'000'000)), (std::vector<std::string>{"1 us", "10 us", "100 us", "1 ms"}));
    EXPECT_EQ(labels(html::log_ticks(800, 12'000)), (std::vector<std::string>{"1 us", "2 us", "5 us", "10 us"}));
    EXPECT_DOUBLE_EQ(html::log_position(1000, 100, 10'000), 0.5);
    EXPECT_DOUBLE_EQ(html::log_position(0, 100, 10'000), 0);
    EXPECT_DOUBLE_EQ(html::log_position(1e9, 100, 10'000), 1);
}

}  // namespace
}  // namespace sockray
