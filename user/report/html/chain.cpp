#include "user/report/html/chain.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "user/base/terminal.h"
#include "user/report/chain_rows.h"
#include "user/report/html/curves.h"
#include "user/report/html/icicle.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

constexpr std::size_t paths_shown = 8;
constexpr std::size_t paths_open = 2;
constexpr std::size_t paths_with_curves = 4;

std::string names_text(std::string_view before, const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? std::string(before) : ", ") + escaped(name);
    return text;
}

void append_head(fmt::memory_buffer& out, const Path& path, bool open) {
    put(out, "<details class=\"path\"{}><summary><b>{}</b>{}{}{}: ", open ? " open" : "", counted(path.sends, "send"),
        names_text(" by ", path.entries), names_text(" on ", path.ifnames), path.more_names ? " and more" : "");
    std::string_view before;
    for (int i = 0; i < outcome_count; i++) {
        if (path.outcomes[i] == 0) continue;
        const std::string_view name = outcome_name(static_cast<Outcome>(i));
        put(out, "{}<b class=\"{}\">{} {}</b>", before, name, number(path.outcomes[i]), name);
        before = ", ";
    }
    put(out, "{}</summary>\n", is_behind(path, SR_SLOT_NDO) ? ", to the driver behind their return" : "");
}

double total_ns(const Histogram& of) {
    return of.mean() * static_cast<double>(of.count());
}

// The time of all sends in this stage, ns; none where it is not that of the sends, or not known.
std::optional<double> time_in(const Path& path, const ChainRow& row) {
    if (!row.passed || row.slot < path.root || is_moment(row.slot)) return std::nullopt;
    if (!path.times[row.slot].duration.count() || is_behind(path, row.slot)) return std::nullopt;
    return total_ns(path.times[row.slot].duration);
}

struct StageTime {
    std::optional<double> total;
    std::optional<double> own;  // `total`, less the stages right in it; a stage without times is looked through
};

std::vector<StageTime> stage_times(const Path& path, const std::vector<ChainRow>& rows) {
    std::vector<StageTime> times;
    for (const ChainRow& row : rows) times.push_back({time_in(path, row), time_in(path, row)});
    for (std::size_t i = 0; i < rows.size(); i++) {
        if (!times[i].total) continue;
        int depth = rows[i].depth;
        for (std::size_t outer = i; outer-- > 0;) {
            if (!rows[outer].passed || rows[outer].depth >= depth) continue;
            depth = rows[outer].depth;
            if (!times[outer].own) continue;
            *times[outer].own -= *times[i].total;
            break;
        }
    }
    for (StageTime& time : times)
        if (time.own) time.own = std::max(*time.own, 0.0);
    return times;
}

void append_share(fmt::memory_buffer& out, std::optional<double> part, double whole, bool with_bar) {
    if (!part || whole <= 0) {
        put(out, "<td class=\"n muted\">&#8211;</td>");
        return;
    }
    const double share = std::min(*part / whole, 1.0);
    put(out, "<td class=\"n\">");
    if (with_bar)
        put(out,
            R"(<svg class="share" aria-hidden="true"><rect class="track" width="100%" height="100%"/><rect class="fill" width="{:.1f}%" height="100%"/></svg> )",
            share * 100);
    put(out, "<span class=\"part\">{}</span></td>", column_percent(share));
}

void append_row(fmt::memory_buffer& out, const Path& path, const ChainRow& row, const StageTime& time,
                const Plan& plan) {
    const StageTimes& times = path.times[row.slot];
    const bool hit = row.passed && times.hits > 0;
    const std::string evidence = escaped(evidence_text(row.stage, hit, plan));
    put(out, "<tr{}><th scope=\"row\" class=\"d{}\"><code>{}</code></th><td><span class=\"ev {}\">{}</span></td>",
        hit ? "" : " class=\"muted\"", row.depth, stage_name(row.stage), evidence.substr(0, evidence.find(' ')),
        evidence);
    if (!hit) {
        put(out, "<td colspan=\"5\">{}</td></tr>\n", escaped(without_times(row, plan)));
        return;
    }
    put(out, "<td class=\"n\">{}</td>", number(times.hits));
    const bool moment = is_moment(row.slot);
    const Histogram& shown = moment ? times.offset : times.duration;
    for (const double q : {0.5, 0.99})
        put(out, "<td class=\"n\">{}{}</td>", shown.count() && moment ? "+" : "",
            shown.count() ? duration(shown.quantile(q)) : "unknown");
    if (!moment && row.slot >= path.root && times.offset.count() && is_behind(path, row.slot)) {
        put(out, "<td colspan=\"2\" class=\"muted\">behind the return, at +{}</td></tr>\n",
            duration(times.offset.quantile(0.5)));
        return;
    }
    if (row.slot < path.root) {
        put(out, "<td colspan=\"2\" class=\"muted\">time of whole calls</td></tr>\n");
        return;
    }
    const double whole = total_ns(path.times[path.root].duration);
    append_share(out, time.total, whole, true);
    append_share(out, time.own, whole, false);
    put(out, "</tr>\n");
}

}  // namespace

void append_chain(fmt::memory_buffer& out, const Chain& chain, const Plan& plan) {
    std::uint64_t shown = 0;
    std::size_t index = 0;
    for (const Path* path : paths_by_sends(chain)) {
        if (index++ == paths_shown) break;
        shown += path->sends;
        const std::vector<ChainRow> rows = chain_rows(*path, plan);
        append_head(out, *path, index <= paths_open);
        append_icicle(out, *path, rows, plan);
        put(out,
            "<div class=\"scroll\"><table class=\"chain\"><thead><tr><th>stage</th><th>evidence</th><th "
            "class=\"n\">hits"
            "</th><th class=\"n\">median</th><th class=\"n\">p99</th><th class=\"n\">share of time</th>"
            "<th class=\"n\">of its own</th></tr></thead><tbody>\n");
        const std::vector<StageTime> shares = stage_times(*path, rows);
        for (std::size_t i = 0; i < rows.size(); i++) append_row(out, *path, rows[i], shares[i], plan);
        put(out, "</tbody></table></div>\n");
        for (const ChainNote& note : chain_notes(*path, plan))
            put(out, "<p class=\"{}\">{}</p>\n", note.wrong ? "bad" : "muted", escaped(note.text));
        if (index <= paths_with_curves) append_curves(out, *path);
        put(out, "</details>\n");
    }
    if (shown < chain.sends()) put(out, "<p>{} on other paths.</p>\n", counted(chain.sends() - shown, "send"));
}

}  // namespace sockray::html
