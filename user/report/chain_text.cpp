#include "user/report/chain_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "user/analyze/hooks_share.h"
#include "user/base/paragraph.h"
#include "user/base/words.h"
#include "user/live/outcome_tone.h"
#include "user/report/chain_rows.h"

namespace sockray {

namespace {

constexpr std::size_t paths_shown = 8;
constexpr int least_name_width = 36;  // the usual path, so that the paths of a report are aligned
constexpr int evidence_width = 13;    // "located +1547"
constexpr int hits_width = 8;
constexpr int time_width = 9;
constexpr int without_width = time_width + 1;  // "~" before it
constexpr int least_bar_width = 10;
constexpr int most_bar_width = 32;

// "by sendto, sendmsg"
void append_names(Paragraph& head, std::string_view before, const std::vector<std::string>& names, const Style& style) {
    for (std::size_t i = 0; i < names.size(); i++) {
        head.add(Tone::plain, i == 0 ? before : ", ");
        head.add(Tone::plain, printable(names[i], style.utf8));
    }
}

void append_head(fmt::memory_buffer& out, const Path& path, const Style& style) {
    Paragraph head(out, style, 0, 7);
    head.add(Tone::bold, "CHAIN");
    head.add(Tone::plain, "  " + count_of(path.sends, "send"));
    append_names(head, " by ", path.entries, style);
    append_names(head, " on ", path.ifnames, style);
    if (path.more_names) head.add(Tone::plain, " and more");
    std::string_view before = ": ";
    for (int i = 0; i < outcome_count; i++) {
        if (path.outcomes[i] == 0) continue;
        head.add(Tone::plain, before);
        const auto outcome = static_cast<Outcome>(i);
        head.add(tone_of(outcome), fmt::format("{} {}", path.outcomes[i], outcome_name(outcome)));
        before = ", ";
    }
    if (is_behind(path, SR_SLOT_NDO)) head.add(Tone::plain, ", to the driver behind their return");
}

// Where a stage lies within the median send, and how long it is.
std::string bar(const StageTimes& times, const StageTimes& root, int width, bool utf8) {
    const auto whole = static_cast<double>(root.duration.quantile(0.5));
    if (whole <= 0 || times.duration.count() == 0 || times.offset.count() == 0) return {};
    const auto share = [&](const Histogram& of) {
        return std::min(static_cast<double>(of.quantile(0.5)) / whole, 1.0) * width;
    };
    const int start = std::min(static_cast<int>(std::lround(share(times.offset))), width - 1);
    const int most_eighths = (width - start) * 8;
    const int eighths = std::clamp(static_cast<int>(std::lround(share(times.duration) * 8)), 1, most_eighths);
    std::string drawn(static_cast<std::size_t>(start), ' ');
    if (!utf8) return drawn.append(static_cast<std::size_t>((eighths + 7) / 8), '#');
    static constexpr std::string_view parts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    for (int i = 0; i < eighths / 8; i++) drawn += "█";
    return drawn.append(parts[eighths % 8]);
}

class Columns {
  public:
    Columns(const std::vector<ChainRow>& rows, const std::optional<HooksShare>& hooks, const Style& style) {
        for (const ChainRow& row : rows) name = std::max(name, 3 * row.depth + columns(stage_name(row.stage)));
        int used = 2 + name + 2 + evidence_width + hits_width + 2 * time_width;
        if (hooks) {
            p99 = used + without_width <= style.width;
            used += p99 ? without_width : without_width - time_width;
        }
        bar = std::min(style.width - used - 2, most_bar_width);
        text = std::max(style.width - (2 + name + 2 + evidence_width + 2), least_bar_width);
    }
    int name = least_name_width;
    bool p99 = true;  // gives way to the median without the hooks where the line has no room for both
    int bar = 0;
    int text = 0;  // what an explanation may take in place of numbers
};

void append_row(fmt::memory_buffer& out, const Path& path, const ChainRow& row, const std::string& lines,
                const Columns& columns_of, const Plan& plan, const std::optional<HooksShare>& hooks,
                const Style& style) {
    const StageTimes& times = path.times[row.slot];
    const bool hit = row.passed && times.hits > 0;
    const Tone tone = hit ? Tone::plain : Tone::dim;
    out.append(std::string_view("  "));
    paint(out, style, Tone::dim, lines);
    paint_cell(out, style, tone, stage_name(row.stage), columns_of.name - columns(lines));
    out.append(std::string_view("  "));
    paint_cell(out, style, Tone::dim, evidence_text(row.stage, hit, plan), evidence_width);
    if (!hit) {
        out.append(std::string_view("  "));
        paint(out, style, Tone::dim, shortened(printable(without_times(row, plan), style.utf8), columns_of.text));
        end_line(out);
        return;
    }
    paint_cell(out, style, Tone::plain, fmt::format("{}", times.hits), hits_width, Align::right);
    if (is_moment(row.slot)) {
        if (times.offset.count()) {
            paint_cell(out, style, Tone::plain, "+" + duration(times.offset.quantile(0.5)), time_width, Align::right);
            if (columns_of.p99)
                paint_cell(out, style, Tone::plain, "+" + duration(times.offset.quantile(0.99)), time_width,
                           Align::right);
        }
    } else if (times.duration.count()) {
        paint_cell(out, style, Tone::plain, duration(times.duration.quantile(0.5)), time_width, Align::right);
        if (columns_of.p99)
            paint_cell(out, style, Tone::plain, duration(times.duration.quantile(0.99)), time_width, Align::right);
        if (hooks) {
            const auto without = hooks->without(path, row.slot, times.duration.quantile(0.5));
            paint_cell(out, style, Tone::plain, without ? "~" + duration(*without) : "", without_width, Align::right);
        }
    }
    if (columns_of.bar >= least_bar_width && !is_moment(row.slot)) {
        if (const std::string drawn = bar(times, path.times[path.root], columns_of.bar, style.utf8); !drawn.empty()) {
            out.append(std::string_view("  "));
            paint(out, style, Tone::good, drawn);
        }
    }
    end_line(out);
}

void append_notes(fmt::memory_buffer& out, const Path& path, const Plan& plan, const Style& style) {
    for (const ChainNote& note : chain_notes(path, plan))
        paint_lines(out, style, note.wrong ? Tone::bad : Tone::dim, note.text, 2);
}

std::string cost_words(const std::optional<TracingCost>& cost) {
    if (!cost) return "";
    return fmt::format(": tracing adds {} to a plain send ({} to {}; measured at the start, on a loopback of its own)",
                       duration(cost->median_ns), duration(cost->low_ns), duration(cost->high_ns));
}

std::string hooks_words(const std::optional<HooksShare>& hooks) {
    if (!hooks) return " Without the hooks' share they cannot be shown: what tracing adds was not measured.";
    return fmt::format(
        " ~ is the median without the hooks' share, an estimate: that of a stage is {} for each of the programs that "
        "run "
        "inside of it, of the {} that a plain send runs.",
        duration(static_cast<std::uint64_t>(hooks->one_ns())), hooks->programs());
}

}  // namespace

void append_chain_text(fmt::memory_buffer& out, const Chain& chain, const Plan& plan,
                       const std::optional<TracingCost>& cost, const Style& style, bool without_hooks) {
    const std::vector<const Path*> paths = paths_by_sends(chain);
    std::optional<HooksShare> hooks;
    if (without_hooks && cost) hooks.emplace(plan, *cost);

    bool bars = false;
    std::uint64_t shown = 0;
    for (std::size_t i = 0; i < std::min(paths.size(), paths_shown); i++) {
        const Path& path = *paths[i];
        shown += path.sends;
        const std::vector<ChainRow> rows = chain_rows(path, plan);
        const Columns columns_of(rows, hooks, style);
        std::vector<int> depths;
        for (const ChainRow& row : rows) depths.push_back(row.depth);

        bars = bars || columns_of.bar >= least_bar_width;
        append_head(out, path, style);
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::dim, "stage", columns_of.name + 2);
        paint_cell(out, style, Tone::dim, "evidence", evidence_width);
        paint_cell(out, style, Tone::dim, "hits", hits_width, Align::right);
        paint_cell(out, style, Tone::dim, "median", time_width, Align::right);
        if (columns_of.p99) paint_cell(out, style, Tone::dim, "p99", time_width, Align::right);
        if (hooks) paint_cell(out, style, Tone::dim, "~", without_width, Align::right);
        end_line(out);
        for (std::size_t r = 0; r < rows.size(); r++)
            append_row(out, path, rows[r], branch(depths, r, style), columns_of, plan, hooks, style);
        append_notes(out, path, plan, style);
        end_line(out);
    }
    if (shown < chain.sends())
        fmt::format_to(std::back_inserter(out), "{} on other paths\n\n", count_of(chain.sends() - shown, "send"));
    if (shown)
        paint_lines(out, style, Tone::dim,
                    fmt::format("Times include the hooks' own cost{}.{}{}", cost_words(cost),
                                without_hooks ? hooks_words(hooks) : "",
                                bars ? " A bar shows when a stage runs within the median send." : ""),
                    0);
}

}  // namespace sockray
