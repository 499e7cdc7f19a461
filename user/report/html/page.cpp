#include "user/report/html/page.h"

#include <ctime>
#include <set>
#include <string>
#include <string_view>

#include "user/analyze/incomplete.h"
#include "user/base/terminal.h"
#include "user/correlate/path.h"
#include "user/report/html/assets.h"
#include "user/report/html/chain.h"
#include "user/report/html/findings.h"
#include "user/report/html/heatmap.h"
#include "user/report/html/ledger.h"
#include "user/report/html/outcomes.h"
#include "user/report/html/tables.h"
#include "user/report/html/text.h"
#include "user/report/html/waterfall.h"

namespace sockray {

using html::counted;
using html::escaped;
using html::number;
using html::put;

namespace {

constexpr std::size_t open_sends = 2;

std::string command_text(const Origin& origin) {
    std::string text;
    for (const std::string& word : origin.command) text += (text.empty() ? "" : " ") + word;
    return text.empty() ? "sockray" : text;
}

std::string utc(const Origin& origin) {
    if (origin.start_ns == 0) return "unknown";
    const std::time_t seconds =
        static_cast<std::int64_t>(origin.start_ns + static_cast<std::uint64_t>(origin.realtime_offset_ns)) /
        1'000'000'000;
    std::tm parts{};
    char text[64];
    if (!::gmtime_r(&seconds, &parts) || ::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return "unknown";
    return text;
}

void open_section(fmt::memory_buffer& out, std::string_view id, std::string_view title, std::string_view text) {
    put(out, "<section id=\"{}\">\n<h2>{}</h2>\n<p class=\"lead\">{}</p>\n", id, title, text);
}

void close_section(fmt::memory_buffer& out) {
    put(out, "</section>\n");
}

void append_fact(fmt::memory_buffer& out, std::string_view name, std::string_view value) {
    put(out, "<div><dt>{}</dt><dd>{}</dd></div>", name, value.empty() ? "unknown" : escaped(value));
}

void append_total(fmt::memory_buffer& out, std::string_view name, std::string_view kind, std::string_view value,
                  std::string_view note) {
    put(out, "<div class=\"total\"><dt>{}</dt><dd class=\"{}\">{}</dd><dd class=\"muted\">{}</dd></div>\n", name, kind,
        value, note);
}

}  // namespace

void HtmlPage::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    origin_ = &origin;
    plan_ = &plan;
    names_ = &names;
}

void HtmlPage::send(const Send& send) {
    chain_.add(send);
    reasons_.add(send);
    senders_.add(send);
    devices_.add(send, *names_);
    undelivered_.add(send);
    const std::uint64_t begin = begin_ns(send.record);
    if (begin == 0) return;
    outcomes_.add(begin, static_cast<std::size_t>(send.outcome));
    const auto took = duration_ns(send.record);
    if (took) {
        durations_.add(*took);
        latency_.add(begin, *took);
        slowest_.add(send, *took);
    }
    if (const auto frame = frame_duration_ns(send.record); frame && took && *frame > *took) {
        frame_latency_.add(begin, *frame);
        slowest_frames_.add(send, *frame);
    }
}

void HtmlPage::end(const Ending& ending) {
    const std::vector<Finding> findings = findings_ && is_traced(ending) ? findings_() : std::vector<Finding>();
    append_head();
    append_header(ending, !named_beside(findings).empty());
    if (is_traced(ending)) {
        append_findings(findings);
        append_pictures();
        append_sends(findings);
        append_tables(ending);
    } else {
        append_untraced(ending);
    }
    put(out_,
        "</main>\n<footer><p>Times are CLOCK_MONOTONIC and include the hooks&#39; own cost{}. Of times, the median "
        "and higher percentiles are within 1/128 of the true value. Made by sockray {}.</p></footer>\n"
        "<script>{}</script>\n</body>\n</html>\n",
        ending.ledger.cost
            ? fmt::format(" ({} for each send, measured at the start)", duration(ending.ledger.cost->median_ns))
            : "",
        escaped(origin_->version), html::script.text);
}

void HtmlPage::append_head() const {
    put(out_,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src {}; script-src "
        "{}; "
        "img-src data:; base-uri &#39;none&#39;; form-action &#39;none&#39;\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>{} - sockray</title>\n<style>{}</style>\n</head>\n<body>\n",
        escaped(html::csp_source(html::style)), escaped(html::csp_source(html::script)),
        escaped(command_text(*origin_)), html::style.text);
}

void HtmlPage::append_header(const Ending& ending, bool named_sends) const {
    put(out_, "<header>\n<h1>sockray</h1>\n<p><code>{}</code></p>\n<dl class=\"facts\">",
        escaped(command_text(*origin_)));
    append_fact(out_, "host", origin_->host);
    append_fact(out_, "kernel", origin_->kernel);
    append_fact(out_, "machine", origin_->machine);
    append_fact(out_, "began", utc(*origin_));
    append_fact(out_, "took",
                origin_->start_ns && ending.end_ns > origin_->start_ns
                    ? (ending.cut_off ? "at least " : "") + duration(ending.end_ns - origin_->start_ns)
                    : "");
    put(out_, "</dl>\n");
    if (ending.cut_off)
        put(out_,
            "<p class=\"warn\">The recording ends before its ledger: the rows are what could be counted of it, and "
            "what "
            "tracing lost is unknown.</p>\n");
    if (ending.missing.any()) put(out_, "<p class=\"warn\">{}</p>\n", escaped(incomplete_words(ending.missing)));
    if (!is_traced(ending)) {
        put(out_, "</header>\n<main>\n");
        return;
    }
    append_totals(ending.ledger);
    put(out_, "<nav>");
    if (findings_) put(out_, "<a href=\"#findings\">findings</a> ");
    if (chain_.sends())
        put(out_, "<a href=\"#chain\">chain</a> <a href=\"#time\">over time</a> <a href=\"#slowest\">slowest</a> ");
    if (!undelivered_.all().empty()) put(out_, "<a href=\"#undelivered\">not delivered</a> ");
    if (named_sends) put(out_, "<a href=\"#named\">named</a> ");
    if (chain_.sends()) put(out_, "<a href=\"#senders\">senders</a> ");
    put(out_,
        "<a href=\"#sockets\">sockets</a> <a href=\"#ledger\">ledger</a> <a href=\"#plan\">plan</a></nav>\n"
        "</header>\n<main>\n");
}

void HtmlPage::append_totals(const Ledger& ledger) const {
    put(out_, "<dl class=\"totals\">\n");
    append_total(out_, "sends attempted", "plain", number(ledger.attempted()), "");
    for (int i = 0; i < outcome_count; i++) {
        const auto outcome = static_cast<Outcome>(i);
        const std::uint64_t sends = ledger.count(outcome);
        append_total(out_, outcome_name(outcome), sends ? outcome_name(outcome) : "muted", number(sends),
                     html::column_percent(sends, ledger.attempted()));
    }
    const bool timed = durations_.count() > 0;
    append_total(out_, "median time in the kernel", "plain", timed ? duration(durations_.quantile(0.5)) : "unknown",
                 "");
    append_total(out_, "99th percentile", "plain", timed ? duration(durations_.quantile(0.99)) : "unknown", "");
    put(out_, "</dl>\n");
}

std::set<std::uint64_t> HtmlPage::sends_shown() const {
    std::set<std::uint64_t> shown;
    for (const SlowestSends* sends : {&slowest_, &slowest_frames_})
        for (const SlowestSends::Timed& one : sends->sorted()) shown.insert(one.send.id);
    for (const Send& send : undelivered_.all()) shown.insert(send.id);
    return shown;
}

std::vector<const Send*> HtmlPage::named_beside(const std::vector<Finding>& findings) const {
    std::set<std::uint64_t> shown = sends_shown();
    std::vector<const Send*> sends;
    for (const Finding& finding : findings)
        for (const Send& send : finding.examples)
            if (shown.insert(send.id).second) sends.push_back(&send);
    return sends;
}

void HtmlPage::append_findings(const std::vector<Finding>& findings) const {
    if (!findings_) return;
    std::set<std::uint64_t> shown = sends_shown();
    for (const Send* send : named_beside(findings)) shown.insert(send->id);
    open_section(out_, "findings", "Findings",
                 "What stands out, with the numbers that show it: lost frames first, then time, then what is good to "
                 "know; of each the most costly first.");
    html::append_findings(out_, findings, looked_(), shown);
    close_section(out_);
}

void HtmlPage::append_pictures() const {
    if (chain_.sends() == 0) {
        put(out_,
            "<section><p>No send was recorded, so there is no chain to draw. The ledger and the plan below say what "
            "was traced.</p></section>\n");
        return;
    }
    open_section(
        out_, "chain", "Chain",
        "The way through the kernel: a picture for all sends that passed the same stages. A box is a stage of the "
        "median send, as wide as the time it takes, inside the stage that calls it. "
        "<span class=\"ev probed\">probed</span> a hook on the function itself, "
        "<span class=\"ev located\">located</span> a hook inside its caller, for it is inlined, "
        "<span class=\"ev derived\">derived</span> no hook: it follows from kernel state, its time is unknown and "
        "its box as wide as what stands in it. Share of time: of all the time these sends spent in the kernel.");
    html::append_chain(out_, chain_, *plan_);
    close_section(out_);

    open_section(out_, "time", "Over time",
                 "Time runs to the right, from the start of tracing; a send stands where it began.");
    put(out_,
        "<h3>Time in the kernel</h3>\n<p class=\"muted\">{} by how long they took, on a logarithmic axis: the "
        "stronger the colour of a cell, the more sends. Measured from the first stage to its return.</p>\n",
        counted(latency_.sends(), "send"));
    html::append_heatmap(out_, latency_, origin_->start_ns, "time in the kernel of each send, over time");
    if (frame_latency_.sends()) {
        put(out_,
            "<h3>Time until the frame ended</h3>\n<p class=\"muted\">{} went on behind the return of the send: from "
            "packet_sendmsg until a driver had taken it, or the kernel had dropped it.</p>\n",
            counted(frame_latency_.sends(), "frame"));
        html::append_heatmap(out_, frame_latency_, origin_->start_ns, "time until the frame ended, over time");
    }
    put(out_,
        "<h3>Outcomes</h3>\n<p class=\"muted\">Sends by how they ended; each strip has a scale of its own. Sends "
        "whose record was lost have no time and are only in the ledger.</p>\n");
    html::append_outcomes(out_, outcomes_, origin_->start_ns);
    close_section(out_);
}

void HtmlPage::append_sends(const std::vector<Finding>& findings) const {
    if (chain_.sends() == 0) return;
    html::Waterfalls waterfalls(out_, *plan_, *names_, origin_->start_ns);
    open_section(out_, "slowest", "Slowest sends",
                 "Each stage of one send along its own time, the longest in the kernel first.");
    std::size_t index = 0;
    for (const SlowestSends::Timed& one : slowest_.sorted()) waterfalls.append(one.send, index++ < open_sends);
    if (frame_latency_.sends()) {
        put(out_,
            "<h3>Slowest frames</h3>\n<p class=\"muted\">Of those that a queue kept behind the return of the "
            "send.</p>\n");
        index = 0;
        for (const SlowestSends::Timed& one : slowest_frames_.sorted()) waterfalls.append(one.send, index++ < 1);
    }
    close_section(out_);
    if (!undelivered_.all().empty()) {
        open_section(out_, "undelivered", "Sends that were not delivered", "The first sends of each reason.");
        index = 0;
        for (const Send& send : undelivered_.all()) waterfalls.append(send, index++ < open_sends);
        if (undelivered_.others()) put(out_, "<p>{} more, counted in the ledger.</p>\n", number(undelivered_.others()));
        close_section(out_);
    }
    const std::vector<const Send*> named = named_beside(findings);
    if (named.empty()) return;
    open_section(out_, "named", "Sends that the findings name", "Those that are not shown above.");
    for (const Send* send : named) waterfalls.append(*send, false);
    close_section(out_);
}

// Zeros of sends would say that there were none.
void HtmlPage::append_untraced(const Ending& ending) const {
    open_section(out_, "ledger", "Frames",
                 "The capture was not traced (--no-trace, or tracing was not possible there): it has frames, and who "
                 "sent them, through which stages and how long is not known. Recorded without --no-trace it is "
                 "(sockray doctor says what stands in its way).");
    html::append_capture(out_, ending);
    close_section(out_);
}

void HtmlPage::append_tables(const Ending& ending) const {
    if (chain_.sends()) {
        open_section(out_, "senders", "Senders", "Who sent, on which device and by which system call.");
        html::append_senders(out_, senders_);
        close_section(out_);
    }
    open_section(out_, "sockets", "Sockets", "The packet sockets that were created while tracing ran.");
    if (sockets_.all().empty())
        put(out_, "<p>None was.</p>\n");
    else
        html::append_sockets(out_, sockets_, *names_);
    close_section(out_);
    open_section(out_, "ledger", "Ledger",
                 "Every send that the kernel side saw is in exactly one row, and the rows add up to those attempted.");
    html::append_ledger(out_, ending, reasons_, devices_);
    close_section(out_);
    open_section(out_, "plan", "Plan", "How each stage was seen on this kernel, and why so.");
    html::append_plan(out_, *plan_);
    close_section(out_);
}

}  // namespace sockray
