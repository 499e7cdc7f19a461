#include "user/report/html/ledger.h"

#include <string_view>

#include "user/report/html/text.h"
#include "user/report/ledger_words.h"

namespace sockray::html {

namespace {

std::string_view class_of(Tone tone) {
    switch (tone) {
        case Tone::bad: return "bad";
        case Tone::warning: return "warn";
        default: return "plain";
    }
}

void append_lines(fmt::memory_buffer& out, const std::vector<LedgerLine>& lines) {
    for (const LedgerLine& line : lines)
        put(out, "<p class=\"{}{}\">{}</p>\n", class_of(line.tone), line.detail ? " detail" : "", escaped(line.text));
}

void append_sums(fmt::memory_buffer& out, const Ledger& ledger, const Reasons& reasons) {
    put(out,
        "<div class=\"scroll\"><table class=\"ledger\"><thead><tr><th>outcome</th><th class=\"n\">sends</th>"
        "<th class=\"n\">share</th><th>why</th></tr></thead><tbody>\n");
    for (int i = 0; i < outcome_count; i++) {
        const auto outcome = static_cast<Outcome>(i);
        const std::uint64_t sends = ledger.count(outcome);
        const std::string_view name = outcome_name(outcome);
        put(out,
            "<tr{}><th scope=\"row\" class=\"{}\">{}</th><td class=\"n\">{}</td><td "
            "class=\"n\">{}</td><td></td></tr>\n",
            sends ? "" : " class=\"muted\"", name, name, number(sends), column_percent(sends, ledger.attempted()));
        for (const ReasonSends& reason : reason_sends(ledger, reasons, outcome))
            put(out,
                "<tr class=\"reason\"><td></td><td class=\"n muted\">{}</td><td></td><td class=\"wrap\">{}</td></tr>\n",
                number(reason.sends), escaped(reason.text));
    }
    put(out,
        "</tbody><tfoot><tr><th scope=\"row\">attempted</th><td class=\"n\">{}</td><td></td><td></td></tr></tfoot>"
        "</table></div>\n",
        number(ledger.attempted()));
}

void append_devices(fmt::memory_buffer& out, const Ending& ending, const Devices& devices) {
    if (ending.cut_off)
        put(out, "<h3>Device counters</h3>\n<p class=\"warn\">Unknown: the recording ends before its ledger.</p>\n");
    if (ending.devices.empty()) return;
    put(out,
        "<h3>Device counters</h3>\n<p class=\"muted\">By how much each device&#39;s own counters grew while tracing "
        "ran, beside the frames that its driver took from the sends traced.</p>\n"
        "<div class=\"scroll\"><table><thead><tr><th>device</th><th class=\"n\">tx_packets</th>"
        "<th class=\"n\">delivered</th><th class=\"n\">tx_bytes</th><th class=\"n\">tx_dropped</th>"
        "<th class=\"n\">tx_errors</th></tr></thead><tbody>\n");
    for (const DeviceDelta& delta : ending.devices) {
        if (delta.gone) continue;
        put(out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">+{}</td><td class=\"n\">{}</td><td class=\"n\">+{}</td>"
            "<td class=\"n\">+{}</td><td class=\"n\">+{}</td></tr>\n",
            escaped(delta.ifname), number(delta.tx_packets),
            number(devices.of(delta.ifname, delta.netns_ino, delta.ifindex).frames_delivered), number(delta.tx_bytes),
            number(delta.tx_dropped), number(delta.tx_errors));
    }
    put(out, "</tbody></table></div>\n");
    for (const DeviceDelta& delta : ending.devices) append_lines(out, device_words(ending, devices, delta));
}

}  // namespace

void append_capture(fmt::memory_buffer& out, const Ending& ending) {
    put(out, "<h3>Frames captured on {}</h3>\n", escaped(ending.capture->interface.name));
    append_lines(out, capture_words(ending));
}

void append_ledger(fmt::memory_buffer& out, const Ending& ending, const Reasons& reasons, const Devices& devices) {
    if (ending.capture) append_capture(out, ending);
    append_sums(out, ending.ledger, reasons);
    put(out, "<h3>What tracing itself lost</h3>\n");
    append_lines(out, loss_words(ending));
    append_lines(out, missing_words(ending));
    append_lines(out, selection_words(ending.ledger));
    append_lines(out, correlation_words(ending.ledger));
    append_lines(out, other_counts_words(ending));
    append_lines(out, offer_words(devices.offers()));
    append_lines(out, receiver_words(ending));
    append_devices(out, ending, devices);
    append_lines(out, uncounted_device_words(ending, devices));
}

}  // namespace sockray::html
