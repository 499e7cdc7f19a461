#include "user/live/top_screen.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <tuple>
#include <utility>

#include "user/base/format.h"
#include "user/base/words.h"
#include "user/live/outcome_tone.h"
#include "user/live/sparkline.h"
#include "user/live/top_columns.h"
#include "user/live/top_ledger.h"
#include "user/live/top_stages.h"

namespace sockray {
namespace {

constexpr int blank_lines_from = 30;  // a window of so many lines has room for empty ones

struct KeyHelp {
    std::string_view key;
    std::string_view what;
};

constexpr KeyHelp key_help[] = {
    {"q, Ctrl-C", "quit"},
    {"space", "pause: what is shown stays"},
    {"/", "type a text to filter by; escape clears it"},
    {"s", "sort by the next; r rate, b bytes, d drops, l latency, p pid"},
    {"i", "hide who sends nothing"},
    {"arrows, page, home, end", "scroll"},
    {"Ctrl-L", "draw anew"},
    {"h, ?", "this; any key goes back"},
};

constexpr std::string_view help_text[] = {
    "sends/s, bytes/s, median, p99 and STAGES are of the last interval; sends, drop, fail and the other outcomes since "
    "the begin. A little picture goes from 0 to its own largest value.",
    "The filter looks for name, pid, socket, device and method; STAGES are of those.",
    "Dropped and failed are outcomes: the kernel did not send the frame. LOSS is what tracing missed, and says nothing "
    "of the frames.",
};

using Senders = std::vector<const ActiveSender*>;

// The order is whole, so that rows do not jump.
auto last_resort(const ActiveSender& sender) {
    return std::tuple(~sender.last.sends, ~sender.total.sends, sender.pid, sender.socket_ino,
                      std::string_view(sender.comm), std::string_view(sender.ifname), sender.method);
}

std::uint64_t sort_value(const ActiveSender& sender, TopSort sort) {
    switch (sort) {
        case TopSort::rate: return ~sender.last.sends;
        case TopSort::bytes: return ~sender.last.bytes;
        case TopSort::drops: return ~sender.total.dropped_or_failed();  // as the columns show them
        case TopSort::latency: return ~sender.latency.p99;
        case TopSort::pid: return sender.pid;
    }
    return 0;
}

bool stands_before(const ActiveSender& a, const ActiveSender& b, TopSort sort) {
    if (sort_value(a, sort) != sort_value(b, sort)) return sort_value(a, sort) < sort_value(b, sort);
    if (sort == TopSort::drops && a.last.dropped_or_failed() != b.last.dropped_or_failed())
        return a.last.dropped_or_failed() > b.last.dropped_or_failed();
    return last_resort(a) < last_resort(b);
}

Senders chosen(const Activity& activity, const TopState& state) {
    Senders senders;
    for (const ActiveSender& sender : activity.senders)
        if (matches(sender, state.filter) && (!state.without_idle || sender.last.sends)) senders.push_back(&sender);
    std::sort(senders.begin(), senders.end(),
              [&](const ActiveSender* a, const ActiveSender* b) { return stands_before(*a, *b, state.sort); });
    return senders;
}

std::string painted(const Style& style, Tone tone, std::string_view text) {
    fmt::memory_buffer out;
    paint(out, style, tone, shortened(text, style.width));
    return fmt::to_string(out);
}

std::string span_text(std::uint64_t ns) {
    const std::uint64_t seconds = ns / 1'000'000'000;
    if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

// Parts that fit, the first ones first.
class Parts {
  public:
    explicit Parts(const Style& style) : style_(style) {}
    void add(Tone tone, const std::string& text) {
        const int before = used_ ? 2 : 0;
        if (used_ + before + columns(text) > style_.width) return;
        fmt::format_to(std::back_inserter(out_), "{:{}}", "", before);
        paint(out_, style_, tone, text);
        used_ += before + columns(text);
    }
    int room() const { return style_.width - used_ - 2; }
    std::string line() const { return fmt::to_string(out_); }

  private:
    const Style& style_;
    int used_ = 0;
    fmt::memory_buffer out_;
};

std::string title_line(const Activity& activity, const TopState& state, const Style& style) {
    const auto now = static_cast<std::time_t>(
        (static_cast<std::int64_t>(activity.end_ns) + activity.realtime_offset_ns) / 1'000'000'000);
    Parts parts(style);
    parts.add(Tone::bold, "sockray top");
    if (state.paused) parts.add(Tone::warning, "PAUSED");
    parts.add(Tone::plain, fmt::format("sort {}", sort_name(state.sort)));
    if (!state.filter.empty())
        parts.add(Tone::warning, fmt::format("filter {}", shortened(printable(state.filter, style.utf8), 24)));
    if (state.without_idle) parts.add(Tone::plain, "no idle");
    parts.add(Tone::dim, fmt::format("{:%H:%M:%S}", fmt::localtime(now)));
    parts.add(Tone::dim, fmt::format("up {}", span_text(activity.end_ns - activity.start_ns)));
    parts.add(Tone::dim, fmt::format("last {:.1f} s", static_cast<double>(activity.interval_ns) / 1e9));
    return parts.line();
}

std::string sums_line(const Activity& activity, const Senders& senders, const Style& style) {
    constexpr int least_picture = 8;
    constexpr int most_picture = 60;
    Parts parts(style);
    const auto number = [](double a_second) { return rate_text(a_second, 7); };
    parts.add(Tone::plain, number(activity.a_second(activity.all.last.sends)) + " sends/s");
    parts.add(Tone::plain, rate_text(activity.a_second(activity.all.last.bytes), 5) + " bytes/s");
    for (const Outcome outcome : {Outcome::dropped, Outcome::failed})
        if (const std::uint64_t sends = activity.all.last.count(outcome))
            parts.add(tone_of(outcome),
                      fmt::format("{} {}/s", number(activity.a_second(sends)), outcome_name(outcome)));
    if (senders.size() < activity.senders.size())
        parts.add(Tone::warning, fmt::format("{} of {}", senders.size(), count_of(activity.senders.size(), "sender")));
    else
        parts.add(Tone::plain, count_of(senders.size(), "sender"));
    if (activity.all.latency.samples)
        parts.add(Tone::plain, fmt::format("median {}, p99 {}", duration(activity.all.latency.median),
                                           duration(activity.all.latency.p99)));
    const int history = std::min(static_cast<int>(activity.all.rates.size()), most_picture);
    if (parts.room() >= least_picture)
        parts.add(Tone::dim, sparkline(activity.all.rates, std::min(parts.room(), history), style.utf8));
    return parts.line();
}

std::string keys_line(const TopState& state, const Style& style) {
    if (state.typing) {
        // The end of a long text is what is being typed.
        const std::string_view begin = "filter: ";
        std::string typed = printable(state.filter, style.utf8);
        while (!typed.empty() && columns(begin) + columns(typed) + 1 > style.width)
            typed.erase(0, std::max<std::size_t>(utf8_length(typed), 1));
        Parts parts(style);
        parts.add(Tone::bold, fmt::format("{}{}_", begin, typed));
        parts.add(Tone::dim, "enter keeps it, escape clears it");
        return parts.line();
    }
    Parts parts(style);
    for (const std::string_view key :
         {"q quit", "h help", "space pause", "/ filter", "s sort", "i idle", "arrows scroll"})
        parts.add(Tone::dim, std::string(key));
    return parts.line();
}

class Table {
  public:
    Table(const Activity& activity, Senders senders, const Style& style)
        : activity_(activity), senders_(std::move(senders)), style_(style), others_(activity.others) {
        others_.comm = "(others)";
        Senders measured = senders_;
        measured.push_back(&others_);
        cells_ = fit_columns(measured, style);
    }

    std::size_t size() const { return senders_.size(); }
    bool has_others() const { return activity_.merged > 0; }

    std::string header() const {
        fmt::memory_buffer out;
        append_top_header(out, cells_, style_);
        return fmt::to_string(out);
    }
    std::string row(std::size_t index) const { return row(*senders_[index]); }
    std::string others() const { return row(others_); }

  private:
    std::string row(const ActiveSender& sender) const {
        fmt::memory_buffer out;
        append_top_row(out, cells_, sender, activity_, style_);
        return fmt::to_string(out);
    }
    const Activity& activity_;
    Senders senders_;
    const Style& style_;
    ActiveSender others_;
    std::vector<TopCell> cells_;
};

std::vector<std::string> help_screen(const Style& style) {
    constexpr int key_width = 25;
    constexpr int narrow = 60;  // there a key's words stand below it
    std::vector<std::string> lines{painted(style, Tone::bold, "sockray top")};
    // `before` stands in the first line, and as many blanks before the others.
    const auto add_text = [&](std::string_view text, std::string_view before, int indent) {
        for (const std::string_view line : wrapped(text, std::max(style.width - indent, 1)))
            lines.push_back(
                painted(style, Tone::plain, fmt::format("{:{}}{}", std::exchange(before, ""), indent, line)));
    };
    for (const auto& [key, what] : key_help)
        if (style.width < narrow)
            add_text(fmt::format("{}: {}", key, what), "", 0);
        else
            add_text(what, key, key_width);
    for (const std::string_view text : help_text) {
        lines.emplace_back();
        add_text(text, "", 0);
    }
    return lines;
}

// Instead of senders.
std::string empty_line(const Activity& activity, const Style& style) {
    return painted(style, Tone::dim, activity.senders.empty() ? "nobody has sent yet" : "no sender matches");
}

// What stands around the table, by how much it is missed.
struct Around {
    bool title = false, ledger = false, keys = false, sums = false, loss = false;
};

}  // namespace

TopScreen top_screen(const Activity& activity, const Ledger& ledger, const TopState& state, int height,
                     const Style& style) {
    Senders senders = chosen(activity, state);
    const std::string sums = sums_line(activity, senders, style);
    const Table table(activity, std::move(senders), style);
    TopScreen screen;
    screen.senders = table.size();

    int room = height - 2;  // the table's head and one sender
    Around around;
    for (bool* part : {&around.title, &around.ledger, &around.keys, &around.sums, &around.loss})
        if (room > 0) {
            *part = true;
            room--;
        }
    room = std::max(room, 0);
    const int blank = height >= blank_lines_from ? 1 : 0;
    const int wanted = static_cast<int>(table.size()) - 1 + (table.has_others() ? 1 : 0);
    const int for_stages = std::max(room / 2, room - std::max(wanted, 0)) - 2 * blank;
    const auto stages = top_stages(activity, static_cast<std::size_t>(std::max(for_stages, 0)), style);
    room -= static_cast<int>(stages.size()) + (stages.empty() ? blank : 2 * blank);
    int rows = std::max(room, 0) + 1;
    const bool others = table.has_others() && rows > 1;
    screen.page = static_cast<std::size_t>(rows - (others ? 1 : 0));

    auto& lines = screen.lines;
    if (around.title) lines.push_back(title_line(activity, state, style));
    if (around.sums) lines.push_back(sums);
    lines.push_back(table.header());
    const std::size_t most = table.size() > screen.page ? table.size() - screen.page : 0;
    for (std::size_t i = std::min(state.scroll, most); i < table.size() && rows > (others ? 1 : 0); i++, rows--)
        lines.push_back(table.row(i));
    if (others) lines.push_back(table.others()), rows--;
    if (table.size() == 0 && rows > 0) {
        lines.push_back(empty_line(activity, style));
        rows--;
    }
    for (; rows > 0; rows--) lines.emplace_back();
    if (state.help) {
        lines = help_screen(style);
        lines.resize(static_cast<std::size_t>(std::max(height - (around.ledger + around.keys + around.loss), 1)));
    } else {
        if (!stages.empty() && blank) lines.emplace_back();
        lines.insert(lines.end(), stages.begin(), stages.end());
        if (blank) lines.emplace_back();
    }
    if (around.ledger) lines.push_back(top_ledger_line(ledger, style));
    if (around.loss) lines.push_back(top_loss_line(ledger, style));
    if (around.keys) lines.push_back(keys_line(state, style));
    if (lines.size() > static_cast<std::size_t>(std::max(height, 1)))
        lines.resize(static_cast<std::size_t>(std::max(height, 1)));
    return screen;
}

std::string top_text(const Activity& activity, const Ledger& ledger, const TopState& state, const Style& style) {
    Senders senders = chosen(activity, state);
    std::vector<std::string> lines{title_line(activity, state, style), sums_line(activity, senders, style)};
    const Table table(activity, std::move(senders), style);
    lines.push_back(table.header());
    for (std::size_t i = 0; i < table.size(); i++) lines.push_back(table.row(i));
    if (table.has_others()) lines.push_back(table.others());
    if (table.size() == 0) lines.push_back(empty_line(activity, style));
    const auto stages = top_stages(activity, stage_count + 1, style);
    lines.insert(lines.end(), stages.begin(), stages.end());
    lines.push_back(top_ledger_line(ledger, style));
    lines.push_back(top_loss_line(ledger, style));
    std::string text;
    for (std::string& line : lines) {
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text + '\n';
}

}  // namespace sockray
