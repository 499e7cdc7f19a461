#include "user/live/top_columns.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "user/live/outcome_tone.h"
#include "user/live/sparkline.h"

namespace sockray {
namespace {

struct Layout {
    TopColumn column;
    std::string_view title;
    int least;       // columns; where it is less than the content needs, that is cut or rounded
    int usual;       // where there is room
    int importance;  // 0: the last to go
    Align align = Align::right;
};

// With their least widths all up to the history fit into 80 columns.
constexpr Layout layouts[] = {
    {TopColumn::name, "sender", 8, 12, 0, Align::left},
    {TopColumn::pid, "pid", 3, 7, 2},
    {TopColumn::socket, "socket", 7, 7, 15},
    {TopColumn::ifname, "device", 6, 6, 5, Align::left},
    {TopColumn::method, "by", 2, 8, 7, Align::left},
    {TopColumn::rate, "sends/s", 7, 7, 1},
    {TopColumn::bytes, "bytes/s", 7, 7, 9},
    {TopColumn::sends, "sends", 8, 8, 13},
    {TopColumn::delivered, "delivered", 9, 9, 14},
    {TopColumn::dropped, "drop", 4, 6, 3},
    {TopColumn::failed, "fail", 4, 6, 4},
    {TopColumn::queued, "queued", 6, 6, 11},
    {TopColumn::unknown, "unknown", 7, 7, 12},
    {TopColumn::median, "median", 6, 7, 8},
    {TopColumn::p99, "p99", 6, 7, 6},
    {TopColumn::history, "rate", 5, 8, 10, Align::left},
};
constexpr int longest_history = 60;

const Layout& layout_of(TopColumn column) {
    return *std::find_if(std::begin(layouts), std::end(layouts),
                         [column](const Layout& layout) { return layout.column == column; });
}

std::string name_of(const ActiveSender& sender, const Style& style) {
    return printable(sender.comm, style.utf8);
}

std::string ifname_of(const ActiveSender& sender, const Style& style) {
    return sender.ifname.empty() ? "-" : printable(sender.ifname, style.utf8);
}

struct Text {
    std::string text;
    Tone tone = Tone::plain;
};

Text outcome_text(const ActiveSender& sender, Outcome outcome, int width) {
    const std::uint64_t sends = sender.total.count(outcome);
    return {count_text(sends, width), sends ? tone_of(outcome) : Tone::dim};
}

Text latency_text(const Latency& latency, std::uint64_t ns, int width) {
    if (latency.samples == 0) return {"-", Tone::dim};
    std::string text = duration(ns);
    if (columns(text) > width) std::erase(text, ' ');
    return {std::move(text)};
}

Text text_of(TopColumn column, int width, const ActiveSender& sender, const Activity& activity, const Style& style) {
    switch (column) {
        case TopColumn::name: return {name_of(sender, style), Tone::bold};
        case TopColumn::pid: return {sender.pid ? fmt::format("{}", sender.pid) : ""};
        case TopColumn::socket: return {sender.socket_ino ? fmt::format("{}", sender.socket_ino) : ""};
        case TopColumn::ifname: return {ifname_of(sender, style)};
        case TopColumn::method: return {std::string(sender.method)};
        case TopColumn::rate: return {rate_text(activity.a_second(sender.last.sends), width)};
        case TopColumn::bytes: return {rate_text(activity.a_second(sender.last.bytes), 5)};
        case TopColumn::sends: return {count_text(sender.total.sends, width)};
        case TopColumn::delivered: return outcome_text(sender, Outcome::delivered, width);
        case TopColumn::dropped: return outcome_text(sender, Outcome::dropped, width);
        case TopColumn::failed: return outcome_text(sender, Outcome::failed, width);
        case TopColumn::queued: return outcome_text(sender, Outcome::queued, width);
        case TopColumn::unknown: return outcome_text(sender, Outcome::unknown, width);
        case TopColumn::median: return latency_text(sender.latency, sender.latency.median, width);
        case TopColumn::p99: return latency_text(sender.latency, sender.latency.p99, width);
        case TopColumn::history: return {sparkline(sender.rates, width, style.utf8)};
    }
    return {};
}

// Nobody has it: only where there is room for everything.
bool is_blank(TopColumn column, std::span<const ActiveSender* const> senders) {
    if (column != TopColumn::queued && column != TopColumn::unknown) return false;
    const Outcome outcome = column == TopColumn::queued ? Outcome::queued : Outcome::unknown;
    return std::ranges::all_of(senders, [&](const ActiveSender* sender) { return sender->total.count(outcome) == 0; });
}

int least_width(const Layout& layout, std::span<const ActiveSender* const> senders) {
    constexpr int rounded = 5;  // "12.3k"
    int width = layout.least;
    for (const ActiveSender* sender : senders) {
        if (layout.column == TopColumn::pid)
            width = std::max(width, static_cast<int>(fmt::formatted_size("{}", sender->pid)));
        if (layout.column == TopColumn::dropped && sender->total.count(Outcome::dropped) > 9999) width = rounded;
        if (layout.column == TopColumn::failed && sender->total.count(Outcome::failed) > 9999) width = rounded;
        if (layout.column == TopColumn::method) width = std::max(width, static_cast<int>(sender->method.size()));
    }
    return std::min(width, layout.usual);
}

}  // namespace

std::string count_text(std::uint64_t count, int width) {
    std::string digits = fmt::format("{}", count);
    if (static_cast<int>(digits.size()) <= width) return digits;
    // Rounding must not make four digits of three: 999,960 is 1.00M.
    double value = static_cast<double>(count);
    char unit = ' ';
    for (const char next : {'k', 'M', 'G', 'T', 'P', 'E'}) {
        value /= 1000;
        unit = next;
        if (value < 999.5) break;
    }
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}", value, decimals, unit);
}

std::string rate_text(double a_second, int width) {
    if (a_second > 0 && a_second < 9.95) return fmt::format("{:.1f}", a_second);
    return count_text(static_cast<std::uint64_t>(std::llround(a_second)), width);
}

std::vector<TopCell> fit_columns(std::span<const ActiveSender* const> senders, const Style& style) {
    std::vector<TopCell> cells;
    for (const Layout& layout : layouts) cells.push_back({layout.column, least_width(layout, senders)});
    std::vector<std::size_t> order(cells.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) {
        return std::pair(is_blank(layouts[i].column, senders), layouts[i].importance);
    });
    std::array<bool, std::size(layouts)> is_in{};
    int room = style.width + 1;  // the first has no blank before it
    for (const std::size_t i : order) {
        if (room < cells[i].width + 1 && layouts[i].importance > 0) continue;
        is_in[i] = true;
        room -= cells[i].width + 1;
    }
    for (std::size_t i = std::size(layouts); i-- > 0;)
        if (!is_in[i]) cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(i));
    if (room < 0) cells.front().width = std::max(style.width, 0);

    for (TopCell& cell : cells) {
        const int more = std::clamp(layout_of(cell.column).usual - cell.width, 0, std::max(room, 0));
        cell.width += more;
        room -= more;
    }
    // What is long is given room; beyond that the history.
    const auto widen = [&](TopColumn column, auto needed) {
        const auto cell =
            std::find_if(cells.begin(), cells.end(), [&](const TopCell& c) { return c.column == column; });
        if (cell == cells.end()) return;
        for (const ActiveSender* sender : senders) {
            const int more = std::min(needed(*sender) - cell->width, room);
            if (more <= 0) continue;
            cell->width += more;
            room -= more;
        }
    };
    widen(TopColumn::name, [&](const ActiveSender& sender) { return columns(name_of(sender, style)); });
    widen(TopColumn::ifname, [&](const ActiveSender& sender) { return columns(ifname_of(sender, style)); });
    widen(TopColumn::socket,
          [](const ActiveSender& sender) { return static_cast<int>(fmt::formatted_size("{}", sender.socket_ino)); });
    widen(TopColumn::history, [](const ActiveSender&) { return longest_history; });
    return cells;
}

void append_top_header(fmt::memory_buffer& out, std::span<const TopCell> cells, const Style& style) {
    std::string_view between;
    for (const TopCell& cell : cells) {
        const Layout& layout = layout_of(cell.column);
        out.append(between);
        paint_cell(out, style, Tone::dim, shortened(layout.title, cell.width), cell.width, layout.align);
        between = " ";
    }
}

// A row of a sender that sent nothing is dim as a whole.
void append_top_row(fmt::memory_buffer& out, std::span<const TopCell> cells, const ActiveSender& sender,
                    const Activity& activity, const Style& style) {
    std::string_view between;
    for (const TopCell& cell : cells) {
        const Text text = text_of(cell.column, cell.width, sender, activity, style);
        const bool idle = sender.last.sends == 0 && text.tone != Tone::bad && text.tone != Tone::warning;
        out.append(between);
        paint_cell(out, style, idle ? Tone::dim : text.tone, shortened(text.text, cell.width), cell.width,
                   layout_of(cell.column).align);
        between = " ";
    }
}

}  // namespace sockray
