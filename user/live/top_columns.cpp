#include "user/live/top_columns.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "user/live/outcome_tone.h"
#include "user/live/sparkline.h"

namespace sockray {
namespace {

struct Layout {
    TopColumn column;
    std::string_view title;
    int least;       // columns
    int importance;  // 0: the last to go
    Align align = Align::right;
};

constexpr Layout layouts[] = {
    {TopColumn::name, "sender", 12, 0, Align::left},
    {TopColumn::pid, "pid", 7, 2},
    {TopColumn::socket, "socket", 7, 13},
    {TopColumn::ifname, "device", 6, 5, Align::left},
    {TopColumn::method, "by", 8, 7, Align::left},
    {TopColumn::rate, "sends/s", 7, 1},
    {TopColumn::bytes, "bytes/s", 7, 8},
    {TopColumn::sends, "sends", 8, 11},
    {TopColumn::delivered, "delivered", 9, 12},
    {TopColumn::dropped, "drop", 6, 3},
    {TopColumn::failed, "fail", 6, 4},
    {TopColumn::queued, "queued", 6, 14},
    {TopColumn::unknown, "unknown", 7, 15},
    {TopColumn::median, "median", 7, 9},
    {TopColumn::p99, "p99", 7, 6},
    {TopColumn::history, "rate", 8, 10, Align::left},
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

Text latency_text(const Latency& latency, std::uint64_t ns) {
    if (latency.samples == 0) return {"-", Tone::dim};
    return {duration(ns)};
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
        case TopColumn::median: return latency_text(sender.latency, sender.latency.median);
        case TopColumn::p99: return latency_text(sender.latency, sender.latency.p99);
        case TopColumn::history: return {sparkline(sender.rates, width, style.utf8)};
    }
    return {};
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
    constexpr int count = static_cast<int>(std::size(layouts));
    std::array<bool, std::size(layouts)> is_in{};
    int room = style.width + 1;  // the first has no blank before it
    for (int importance = 0; importance < count; importance++) {
        const auto next = std::find_if(std::begin(layouts), std::end(layouts),
                                       [&](const Layout& layout) { return layout.importance == importance; });
        if (room < next->least + 1 && importance > 0) break;
        is_in[static_cast<std::size_t>(next - std::begin(layouts))] = true;
        room -= next->least + 1;
    }
    std::vector<TopCell> cells;
    for (std::size_t i = 0; i < std::size(layouts); i++)
        if (is_in[i]) cells.push_back({layouts[i].column, layouts[i].least});
    if (room < 0) cells.front().width = std::max(style.width, 0);

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
