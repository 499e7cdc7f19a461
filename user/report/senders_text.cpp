#include "user/report/senders_text.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "user/live/outcome_tone.h"

namespace sockray {

namespace {

constexpr std::size_t rows_shown = 20;
constexpr int count_width = 9;
constexpr int bytes_width = 11;

std::string sender_text(const Sender& sender, const Style& style) {
    return fmt::format("{}[{}]", printable(sender.comm, style.utf8), sender.pid);
}

// "2 failed, 1 dropped", each in its colour.
void append_undelivered(fmt::memory_buffer& out, const Sender& sender, const Style& style) {
    std::string_view before = "  ";
    for (const Outcome outcome : {Outcome::dropped, Outcome::failed, Outcome::queued, Outcome::unknown}) {
        const std::uint64_t sends = sender.outcomes[static_cast<std::size_t>(outcome)];
        if (sends == 0) continue;
        out.append(before);
        paint(out, style, tone_of(outcome), fmt::format("{} {}", sends, outcome_name(outcome)));
        before = ", ";
    }
}

}  // namespace

void append_senders_text(fmt::memory_buffer& out, const Senders& senders, const Style& style) {
    if (senders.all().empty()) return;
    std::vector<const Sender*> rows;
    for (const Sender& sender : senders.all()) rows.push_back(&sender);
    std::stable_sort(rows.begin(), rows.end(), [](const Sender* a, const Sender* b) { return a->sends > b->sends; });
    std::uint64_t others = senders.other_sends();
    while (rows.size() > rows_shown) {
        others += rows.back()->sends;
        rows.pop_back();
    }
    int sender_width = 16;
    int ifname_width = 6;
    int entry_width = 8;
    for (const Sender* sender : rows) {
        sender_width = std::max(sender_width, columns(sender_text(*sender, style)));
        ifname_width = std::max(ifname_width, columns(printable(sender->ifname, style.utf8)));
        entry_width = std::max(entry_width, columns(sender->entry));
    }

    paint_cell(out, style, Tone::bold, "SENDERS", 2 + sender_width + 2);
    paint_cell(out, style, Tone::dim, "device", ifname_width + 2);
    paint_cell(out, style, Tone::dim, "by", entry_width);
    paint_cell(out, style, Tone::dim, "sends", count_width, Align::right);
    paint_cell(out, style, Tone::dim, "bytes", bytes_width, Align::right);
    paint_cell(out, style, Tone::dim, "delivered", count_width + 1, Align::right);
    out.push_back('\n');
    for (const Sender* sender : rows) {
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::plain, sender_text(*sender, style), sender_width + 2);
        paint_cell(out, style, Tone::plain, printable(sender->ifname, style.utf8), ifname_width + 2);
        paint_cell(out, style, Tone::plain, sender->entry, entry_width);
        paint_cell(out, style, Tone::plain, fmt::format("{}", sender->sends), count_width, Align::right);
        paint_cell(out, style, Tone::plain, fmt::format("{}", sender->bytes), bytes_width, Align::right);
        const std::uint64_t delivered = sender->outcomes[static_cast<std::size_t>(Outcome::delivered)];
        paint_cell(out, style, delivered ? Tone::good : Tone::dim, fmt::format("{}", delivered), count_width + 1,
                   Align::right);
        append_undelivered(out, *sender, style);
        out.push_back('\n');
    }
    if (others) fmt::format_to(std::back_inserter(out), "  {} sends of other senders\n", others);
}

}  // namespace sockray
