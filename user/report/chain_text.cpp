#include "user/report/chain_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <ranges>
#include <string>
#include <vector>

#include "user/live/outcome_tone.h"

namespace sockray {

namespace {

constexpr std::size_t paths_shown = 8;
constexpr int least_name_width = 36;  // the usual path, so that the paths of a report are aligned
constexpr int evidence_width = 13;    // "located +1547"
constexpr int hits_width = 8;
constexpr int time_width = 9;
constexpr int least_bar_width = 10;
constexpr int most_bar_width = 32;

// A line of the tree: a stage that was passed, or one that belongs here and was not.
struct Row {
    int slot = 0;
    Stage stage = Stage::none;
    int depth = 0;
    bool passed = false;
};

// The stages of the path as this kernel shows them, and in their place those between the entry and
// packet_sendmsg that it does not pass: a reader who knows them looks for them.
std::vector<Row> rows_of(const Path& path, const Plan& plan) {
    const StageBySlot stages = with_derived(path.stages, path.entries.empty() ? "" : path.entries.front(), plan);
    const auto depth = depth_by_slot(stages);
    const Stage entry = stages[SR_SLOT_ENTRY];
    const bool by_descriptor =
        entry == Stage::sys_sendto || entry == Stage::sys_sendmsg || entry == Stage::sys_sendmmsg;
    std::vector<Row> rows;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        Stage stage = stages[slot];
        const bool passed = stage != Stage::none;
        if (slot == SR_SLOT_LOOKUP && by_descriptor) stage = Stage::sockfd_lookup;
        if (slot == SR_SLOT_SOCK) stage = Stage::sock_sendmsg;
        if (slot == SR_SLOT_INNER) stage = Stage::sock_sendmsg_inner;
        if (stage != Stage::none) rows.push_back({slot, stage, depth[slot], passed});
    }
    return rows;
}

// "by sendto, sendmsg"
void append_names(fmt::memory_buffer& out, std::string_view before, const std::vector<std::string>& names,
                  const Style& style) {
    for (std::size_t i = 0; i < names.size(); i++)
        fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? before : ", ", printable(names[i], style.utf8));
}

void append_head(fmt::memory_buffer& out, const Path& path, const Style& style) {
    paint(out, style, Tone::bold, "CHAIN");
    fmt::format_to(std::back_inserter(out), "  {} {}", path.sends, path.sends == 1 ? "send" : "sends");
    append_names(out, " by ", path.entries, style);
    append_names(out, " on ", path.ifnames, style);
    if (path.more_names) out.append(std::string_view(" and more"));
    std::string_view before = ": ";
    for (int i = 0; i < outcome_count; i++) {
        if (path.outcomes[i] == 0) continue;
        out.append(before);
        const auto outcome = static_cast<Outcome>(i);
        paint(out, style, tone_of(outcome), fmt::format("{} {}", path.outcomes[i], outcome_name(outcome)));
        before = ", ";
    }
    out.push_back('\n');
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

std::string evidence_text(Stage stage, bool hit, const Plan& plan) {
    const PlanLine* line = plan.find(stage);
    if (hit && line && line->evidence == Evidence::located) return fmt::format("located +{}", line->offset);
    if (hit) return std::string(evidence_name(Evidence::probed));
    // Passed, hooked and yet not hit: known by what the record says of the kernel's state.
    if (line && line->evidence == Evidence::located) return std::string(evidence_name(Evidence::derived));
    return std::string(evidence_name(plan.evidence(stage)));
}

// Why there are no times. Of the plan's reason the first clause: the plan itself tells the rest.
std::string_view without_times(const Row& row, const Plan& plan) {
    const PlanLine* line = plan.find(row.stage);
    const bool hooked = line && (line->evidence == Evidence::probed || line->evidence == Evidence::located);
    if (!hooked) return line ? std::string_view(line->reason).substr(0, line->reason.find(';')) : "";
    return row.passed ? "its hook was not hit; known from tx_ring.pg_vec" : "not on this path";
}

class Columns {
  public:
    Columns(const std::vector<Row>& rows, const Style& style) {
        for (const Row& row : rows) name = std::max(name, 3 * row.depth + columns(stage_name(row.stage)));
        const int used = 2 + name + 2 + evidence_width + hits_width + 2 * time_width + 2;
        bar = std::min(style.width - used, most_bar_width);
        text = std::max(style.width - (2 + name + 2 + evidence_width + 2), least_bar_width);
    }
    int name = least_name_width;
    int bar = 0;
    int text = 0;  // what an explanation may take in place of numbers
};

void append_row(fmt::memory_buffer& out, const Path& path, const Row& row, const std::string& lines,
                const Columns& columns_of, const Plan& plan, const Style& style) {
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
        out.push_back('\n');
        return;
    }
    paint_cell(out, style, Tone::plain, fmt::format("{}", times.hits), hits_width, Align::right);
    if (is_moment(row.slot)) {
        if (times.offset.count()) {
            paint_cell(out, style, Tone::plain, "+" + duration(times.offset.quantile(0.5)), time_width, Align::right);
            paint_cell(out, style, Tone::plain, "+" + duration(times.offset.quantile(0.99)), time_width, Align::right);
        }
    } else if (times.duration.count()) {
        paint_cell(out, style, Tone::plain, duration(times.duration.quantile(0.5)), time_width, Align::right);
        paint_cell(out, style, Tone::plain, duration(times.duration.quantile(0.99)), time_width, Align::right);
    }
    if (columns_of.bar >= least_bar_width && !is_moment(row.slot)) {
        if (const std::string drawn = bar(times, path.times[path.root], columns_of.bar, style.utf8); !drawn.empty()) {
            out.append(std::string_view("  "));
            paint(out, style, Tone::good, drawn);
        }
    }
    out.push_back('\n');
}

// The proof that the kprobe inside packet_sendmsg sits where it should.
void append_proof(fmt::memory_buffer& out, const Path& path, const Plan& plan, const Style& style) {
    const Stage body = path.stages[SR_SLOT_BODY];
    const std::uint64_t hits = path.times[SR_SLOT_BODY].hits;
    if (hits == 0 || plan.evidence(body) != Evidence::located) return;
    std::string_view next = "its return";
    for (int slot = SR_SLOT_COUNT - 1; slot > SR_SLOT_BODY; slot--)
        if (path.stages[slot] != Stage::none) next = stage_name(path.stages[slot]);
    paint_lines(out, style, path.body_out_of_order ? Tone::bad : Tone::dim,
                fmt::format("located {}: {} of {} hits lie between {} and {}", stage_name(body), path.body_in_order,
                            hits, stage_name(path.stages[SR_SLOT_SENDMSG]), next),
                2);
}

void append_notes(fmt::memory_buffer& out, const Path& path, const Style& style) {
    if (path.stages[SR_SLOT_BODY] == Stage::tpacket_snd)
        paint_lines(out, style, Tone::dim,
                    "TX ring: one call sends many frames; the times of packet_sendmsg and tpacket_snd are those of "
                    "each frame, from "
                    "the end of the one before",
                    2);
    if (std::ranges::any_of(std::views::iota(0, SR_SLOT_COUNT),
                            [&](int slot) { return is_moment(slot) && path.times[slot].hits > 0; }))
        paint_lines(out, style, Tone::dim,
                    fmt::format("+: a moment, from the start of {}; it can lie behind the return of the send",
                                stage_name(path.stages[path.root])),
                    2);
    if (path.stages[SR_SLOT_XMIT] == Stage::direct_xmit)
        paint_lines(
            out, style, Tone::dim,
            "past the qdisc and the taps (PACKET_QDISC_BYPASS): tcpdump on the sending side cannot see these frames",
            2);
    if (path.stages[SR_SLOT_ENTRY] == Stage::sys_sendmmsg)
        paint_lines(out, style, Tone::dim,
                    "sendmmsg: one call makes many sends; the times of __sys_sendmmsg are those of whole calls", 2);
}

}  // namespace

void append_chain_text(fmt::memory_buffer& out, const Chain& chain, const Plan& plan, const Style& style) {
    std::vector<const Path*> paths;
    for (const Path& path : chain.paths()) paths.push_back(&path);
    std::stable_sort(paths.begin(), paths.end(), [](const Path* a, const Path* b) { return a->sends > b->sends; });

    bool bars = false;
    std::uint64_t shown = 0;
    for (std::size_t i = 0; i < std::min(paths.size(), paths_shown); i++) {
        const Path& path = *paths[i];
        shown += path.sends;
        const std::vector<Row> rows = rows_of(path, plan);
        const Columns columns_of(rows, style);
        std::vector<int> depths;
        for (const Row& row : rows) depths.push_back(row.depth);

        bars = bars || columns_of.bar >= least_bar_width;
        append_head(out, path, style);
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::dim, "stage", columns_of.name + 2);
        paint_cell(out, style, Tone::dim, "evidence", evidence_width);
        paint_cell(out, style, Tone::dim, "hits", hits_width, Align::right);
        paint_cell(out, style, Tone::dim, "median", time_width, Align::right);
        paint_cell(out, style, Tone::dim, "p99", time_width, Align::right);
        out.push_back('\n');
        for (std::size_t r = 0; r < rows.size(); r++)
            append_row(out, path, rows[r], branch(depths, r, style), columns_of, plan, style);
        append_proof(out, path, plan, style);
        append_notes(out, path, style);
        out.push_back('\n');
    }
    if (shown < chain.sends())
        fmt::format_to(std::back_inserter(out), "{} sends on other paths\n\n", chain.sends() - shown);
    if (shown)
        paint_lines(out, style, Tone::dim,
                    fmt::format("Times include the hooks' own cost.{}",
                                bars ? " A bar shows when a stage runs within the median send." : ""),
                    0);
}

}  // namespace sockray
