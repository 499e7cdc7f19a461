#include "user/report/senders_text.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "user/base/paragraph.h"
#include "user/base/words.h"
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
void add_undelivered(Paragraph& to, const Sender& sender, std::string_view before) {
    for (const Outcome outcome : {Outcome::dropped, Outcome::failed, Outcome::queued, Outcome::unknown}) {
        const std::uint64_t sends = sender.outcomes[static_cast<std::size_t>(outcome)];
        if (sends == 0) continue;
        to.add(Tone::plain, before);
        to.add(tone_of(outcome), fmt::format("{} {}", sends, outcome_name(outcome)));
        before = ", ";
    }
}

std::uint64_t delivered_of(const Sender& sender) {
    return sender.outcomes[static_cast<std::size_t>(Outcome::delivered)];
}

struct Widths {
    int sender = 16;
    int ifname = 6;
    int entry = 8;
    int whole() const { return 2 + sender + 2 + ifname + 2 + entry + count_width + bytes_width + count_width + 1; }
};

// A table, for as long as its columns fit.
void append_table(fmt::memory_buffer& out, const std::vector<const Sender*>& rows, const Widths& widths,
                  const Style& style) {
    paint_cell(out, style, Tone::bold, "SENDERS", 2 + widths.sender + 2);
    paint_cell(out, style, Tone::dim, "device", widths.ifname + 2);
    paint_cell(out, style, Tone::dim, "by", widths.entry);
    paint_cell(out, style, Tone::dim, "sends", count_width, Align::right);
    paint_cell(out, style, Tone::dim, "bytes", bytes_width, Align::right);
    paint_cell(out, style, Tone::dim, "delivered", count_width + 1, Align::right);
    end_line(out);
    for (const Sender* sender : rows) {
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::plain, sender_text(*sender, style), widths.sender + 2);
        paint_cell(out, style, Tone::plain, printable(sender->ifname, style.utf8), widths.ifname + 2);
        paint_cell(out, style, Tone::plain, sender->entry, widths.entry);
        paint_cell(out, style, Tone::plain, fmt::format("{}", sender->sends), count_width, Align::right);
        paint_cell(out, style, Tone::plain, fmt::format("{}", sender->bytes), bytes_width, Align::right);
        const std::uint64_t delivered = delivered_of(*sender);
        paint_cell(out, style, delivered ? Tone::good : Tone::dim, fmt::format("{}", delivered), count_width + 1,
                   Align::right);
        Paragraph rest(out, style, widths.whole(), 4);
        add_undelivered(rest, *sender, "  ");
    }
}

// The same on a narrow terminal: who, and below it how many.
void append_list(fmt::memory_buffer& out, const std::vector<const Sender*>& rows, const Style& style) {
    paint(out, style, Tone::bold, "SENDERS");
    end_line(out);
    for (const Sender* sender : rows) {
        Paragraph who(out, style, 0, 4);
        who.add(Tone::plain, "  " + sender_text(*sender, style));
        if (!sender->ifname.empty()) who.add(Tone::plain, " on " + printable(sender->ifname, style.utf8));
        who.add(Tone::plain, fmt::format(" by {}", sender->entry));
        who.end();
        Paragraph sums(out, style, 0, 4);
        sums.add(Tone::plain,
                 fmt::format("    {}, {}: ", count_of(sender->sends, "send"), count_of(sender->bytes, "byte")));
        const std::uint64_t delivered = delivered_of(*sender);
        sums.add(delivered ? Tone::good : Tone::dim, fmt::format("{} delivered", delivered));
        add_undelivered(sums, *sender, ", ");
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
    Widths widths;
    for (const Sender* sender : rows) {
        widths.sender = std::max(widths.sender, columns(sender_text(*sender, style)));
        widths.ifname = std::max(widths.ifname, columns(printable(sender->ifname, style.utf8)));
        widths.entry = std::max(widths.entry, columns(sender->entry));
    }
    if (widths.whole() <= style.width)
        append_table(out, rows, widths, style);
    else
        append_list(out, rows, style);
    if (others) fmt::format_to(std::back_inserter(out), "  {} of other senders\n", count_of(others, "send"));
}

}  // namespace sockray
