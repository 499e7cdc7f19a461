#include "user/report/ledger_text.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "user/base/paragraph.h"
#include "user/live/outcome_tone.h"
#include "user/report/ledger_words.h"

namespace sockray {

namespace {

constexpr int label_width = 14;
constexpr int number_width = 12;

void append_count(fmt::memory_buffer& out, const Style& style, Tone tone, int indent, std::string_view label,
                  std::uint64_t count) {
    fmt::format_to(std::back_inserter(out), "{:{}}", "", indent);
    paint_cell(out, style, tone, label, label_width - indent);
    paint_cell(out, style, tone, fmt::format("{}", count), number_width, Align::right);
    end_line(out);
}

void append_reason(fmt::memory_buffer& out, const Style& style, std::uint64_t sends, std::string_view text) {
    const int column = label_width + number_width + 2;
    bool first = true;
    for (const std::string_view line : wrapped(text, std::max(style.width - column, 24))) {
        paint_cell(out, style, Tone::dim, first ? fmt::format("{}", sends) : "", label_width + number_width,
                   Align::right);
        fmt::format_to(std::back_inserter(out), "  {}\n", line);
        first = false;
    }
}

void append_outcome(fmt::memory_buffer& out, const Ledger& ledger, const Reasons& reasons, Outcome outcome,
                    const Style& style) {
    const std::uint64_t sends = ledger.count(outcome);
    append_count(out, style, sends ? tone_of(outcome) : Tone::dim, 4, outcome_name(outcome), sends);
    for (const ReasonSends& reason : reason_sends(ledger, reasons, outcome))
        append_reason(out, style, reason.sends, printable(reason.text, style.utf8));
}

void append_words(fmt::memory_buffer& out, const std::vector<LedgerLine>& lines, const Style& style) {
    for (const LedgerLine& line : lines)
        paint_lines(out, style, line.tone, printable(line.text, style.utf8), line.detail ? 4 : 2);
}

}  // namespace

void append_ledger_text(fmt::memory_buffer& out, const Ending& ending, const Reasons& reasons, const Devices& devices,
                        const Style& style) {
    const Ledger& ledger = ending.ledger;
    paint(out, style, Tone::bold, "LEDGER");
    end_line(out);
    append_count(out, style, Tone::plain, 2, "attempted", ledger.attempted());
    for (const Outcome outcome :
         {Outcome::delivered, Outcome::dropped, Outcome::failed, Outcome::queued, Outcome::unknown})
        append_outcome(out, ledger, reasons, outcome, style);
    append_words(out, loss_words(ending), style);
    append_missing_text(out, ending, style);
    append_words(out, selection_words(ledger), style);
    if (ledger.shown < ledger.selected())
        paint_lines(out, style, Tone::plain,
                    fmt::format("shown above: the first {} of the {} decoded{}, as -c asked", ledger.shown,
                                ledger.selected(), ledger.left_out ? " and selected" : ""),
                    2);
    append_words(out, correlation_words(ledger), style);
    append_words(out, other_counts_words(ending), style);
    append_words(out, offer_words(devices.offers()), style);
    append_words(out, receiver_words(ending), style);
    for (const DeviceDelta& delta : ending.devices) append_words(out, device_words(ending, devices, delta), style);
    append_words(out, uncounted_device_words(ending, devices), style);
}

void append_loss_text(fmt::memory_buffer& out, const Ledger& ledger, const Style& style) {
    Ending ending;
    ending.ledger = ledger;
    append_words(out, loss_words(ending), style);
}

void append_missing_text(fmt::memory_buffer& out, const Ending& ending, const Style& style) {
    append_words(out, missing_words(ending), style);
}

void append_capture_text(fmt::memory_buffer& out, const Ending& ending, const Style& style) {
    const CaptureLedger& ledger = *ending.capture;
    paint(out, style, Tone::bold, "CAPTURE");
    fmt::format_to(std::back_inserter(out), "  {}\n", printable(ledger.interface.name, style.utf8));
    append_count(out, style, Tone::plain, 2, "received", ledger.received);
    append_count(out, style, Tone::plain, 2, "sent", ledger.sent);
    append_words(out, capture_words(ending), style);
}

}  // namespace sockray
