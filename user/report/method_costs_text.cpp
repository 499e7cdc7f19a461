#include "user/report/method_costs_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <vector>

#include "user/base/paragraph.h"
#include "user/base/words.h"
#include "user/report/ledger_text.h"

namespace sockray {
namespace {

constexpr int name_width = 18;
constexpr int rate_width = 10;
constexpr int range_width = 19;
constexpr int ratio_width = 20;
constexpr int time_width = 11;

std::string name_of(const MethodCost& cost) {
    return cost.method + (cost.bypass ? " bypass" : "");
}

// "812 k", "1.24 M"
std::string rate(double a_second) {
    if (a_second >= 999'500) return fmt::format("{:.3g} M", a_second / 1e6);
    if (a_second >= 999.5) return fmt::format("{:.3g} k", a_second / 1e3);
    return fmt::format("{:.3g}", a_second);
}

std::string time_text(double ns) {
    return duration(static_cast<std::uint64_t>(std::lround(std::max(ns, 0.0))));
}

void append_throughput(fmt::memory_buffer& out, std::span<const MethodCost> costs, std::string_view base,
                       const Style& style) {
    out.append(std::string_view("  "));
    paint_cell(out, style, Tone::dim, "method", name_width);
    paint_cell(out, style, Tone::dim, "frames/s", rate_width, Align::right);
    paint_cell(out, style, Tone::dim, "min .. max", range_width, Align::right);
    paint_cell(out, style, Tone::dim, fmt::format("to {} (min .. max)", base), ratio_width + 6, Align::right);
    paint_cell(out, style, Tone::dim, "in the call", time_width + 3, Align::right);
    end_line(out);
    for (const MethodCost& cost : costs) {
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::plain, name_of(cost), name_width);
        if (!cost.refused.empty()) {
            out.append(std::string_view("  "));
            paint(out, style, Tone::warning, printable(cost.refused, style.utf8));
            end_line(out);
            continue;
        }
        paint_cell(out, style, Tone::bold, rate(cost.frames_a_second.median), rate_width, Align::right);
        paint_cell(out, style, Tone::dim,
                   fmt::format("{} .. {}", rate(cost.frames_a_second.low), rate(cost.frames_a_second.high)),
                   range_width, Align::right);
        const bool sure = cost.ratio.low > 1 || cost.ratio.high < 1;
        paint_cell(out, style,
                   !sure                ? Tone::plain
                   : cost.ratio.low > 1 ? Tone::good
                                        : Tone::bad,
                   fmt::format("{:.2f}", cost.ratio.median), ratio_width - 10, Align::right);
        paint_cell(out, style, Tone::dim, fmt::format("({:.2f} .. {:.2f})", cost.ratio.low, cost.ratio.high), 16,
                   Align::right);
        paint_cell(out, style, Tone::plain, time_text(cost.call_ns.median), time_width + 3, Align::right);
        if (cost.failed) {
            out.append(std::string_view("  "));
            paint(
                out, style, Tone::warning,
                fmt::format("{} of {} refused, timed too", cost.failed, count_of(cost.failed + cost.frames, "frame")));
        }
        end_line(out);
    }
}

std::string_view part_name(const MethodPart& part) {
    return part.stage == Stage::none ? "around packet_sendmsg" : stage_name(part.stage);
}

std::string more_text(double more) {
    return (more < 0 ? "-" : "+") + time_text(std::abs(more));
}

// What the rows shown leave of the whole, so that they add up to it.
void append_rest(fmt::memory_buffer& out, const MethodCost& cost, const MethodCost& base,
                 std::span<const MethodPart* const> shown, const Style& style) {
    const bool is_base = &cost == &base;
    double ns = cost.traced_ns.median;
    double more = cost.traced_ns.median - base.traced_ns.median;
    for (const MethodPart* part : shown) {
        ns -= part->ns.median;
        more -= part->more;
    }
    fmt::format_to(std::back_inserter(out), "{:{}}", "", 2 + name_width + time_width);
    paint_cell(out, style, Tone::dim, is_base ? "" : more_text(more), time_width, Align::right);
    out.append(std::string_view("  "));
    paint_cell(out, style, Tone::dim, is_base ? "rest" : "rest: all other stages", 28);
    paint_cell(out, style, Tone::dim, (ns < 0 ? "-" : "") + time_text(std::abs(ns)), time_width, Align::right);
    end_line(out);
}

// What the row above is of, where that is not all of the way's frames, each taken.
void append_traced_frames(fmt::memory_buffer& out, const MethodCost& cost, const Style& style) {
    const std::uint64_t handed = cost.traced_frames + cost.traced_failed;
    std::string note;
    if (cost.traced_failed) note = fmt::format("{} of {} refused", cost.traced_failed, count_of(handed, "frame"));
    if (cost.traced_timed < handed)
        note += fmt::format("{}{} of {} without a record: the stages are of the others", note.empty() ? "" : "; ",
                            handed - cost.traced_timed, count_of(handed, "frame"));
    if (!note.empty()) paint_lines(out, style, Tone::warning, note, 4);
}

void append_parts(fmt::memory_buffer& out, const MethodCost& cost, const MethodCost& base, const Style& style) {
    const bool is_base = &cost == &base;
    std::vector<const MethodPart*> parts;
    for (const MethodPart& part : cost.parts)
        if (is_base || part.stands_out) parts.push_back(&part);
    if (!is_base)
        std::stable_sort(parts.begin(), parts.end(), [](const MethodPart* x, const MethodPart* y) {
            return std::abs(x->more) > std::abs(y->more);
        });
    out.append(std::string_view("  "));
    paint_cell(out, style, Tone::bold, name_of(cost), name_width);
    paint_cell(out, style, Tone::plain, time_text(cost.traced_ns.median), time_width, Align::right);
    if (parts.empty()) {
        paint(out, style, Tone::dim, "  no stage stands out");
        end_line(out);
        return;
    }
    bool first = true;
    for (const MethodPart* part : parts) {
        if (!first) out.append(std::string(static_cast<std::size_t>(2 + name_width + time_width), ' '));
        first = false;
        if (is_base)
            paint_cell(out, style, Tone::dim, "", time_width);
        else
            paint_cell(out, style, part->more < 0 ? Tone::good : Tone::bad, more_text(part->more), time_width,
                       Align::right);
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::plain, part_name(*part), 28);
        if (part->passed) {
            paint_cell(out, style, Tone::plain, time_text(part->ns.median), time_width, Align::right);
            paint_cell(out, style, Tone::dim,
                       fmt::format("{} .. {}", time_text(part->ns.low), time_text(part->ns.high)), range_width + 4,
                       Align::right);
        } else {
            paint_cell(out, style, Tone::dim, "not passed", time_width, Align::right);
        }
        end_line(out);
    }
    append_rest(out, cost, base, parts, style);
}

void append_measured(fmt::memory_buffer& out, std::span<const MethodCost> costs, const MethodsSetup& setup,
                     const Style& style) {
    const auto base =
        std::find_if(costs.begin(), costs.end(), [](const MethodCost& one) { return one.refused.empty(); });
    const std::string base_name = base == costs.end() ? "none" : name_of(*base);
    paint(out, style, Tone::bold, "METHODS");
    fmt::format_to(std::back_inserter(out), "  {}: {} of {} by each method in turn, untraced; up to {} a call\n",
                   printable(setup.ifname, style.utf8), count_of(setup.rounds, "round"),
                   count_of(setup.frames, "frame"), count_of(setup.batch, "frame"));
    append_throughput(out, costs, base_name, style);
    if (base == costs.end() || base->parts.empty()) return;
    end_line(out);
    paint(out, style, Tone::bold, "STAGES");
    fmt::format_to(std::back_inserter(out), "  traced rounds: time a frame, and what is more or less than with {}\n",
                   base_name);
    out.append(std::string_view("  "));
    paint_cell(out, style, Tone::dim, "method", name_width);
    paint_cell(out, style, Tone::dim, "in the call", time_width, Align::right);
    paint_cell(out, style, Tone::dim, "difference", time_width, Align::right);
    out.append(std::string_view("  "));
    paint_cell(out, style, Tone::dim, "stage, without those in it", 28);
    paint_cell(out, style, Tone::dim, "time", time_width, Align::right);
    paint_cell(out, style, Tone::dim, "min .. max", range_width + 4, Align::right);
    end_line(out);
    for (const MethodCost& cost : costs)
        if (cost.refused.empty() && !cost.parts.empty()) {
            append_parts(out, cost, *base, style);
            append_traced_frames(out, cost, style);
        }
    end_line(out);
    paint_lines(
        out, style, Tone::dim,
        "Times are of each frame that was handed to the kernel, refused ones too. A stage is shown where its time "
        "differs in every round from every round of the other, by at least 1/20 "
        "of the whole. Each time is the median of the rounds by itself: the rest is what they leave of the time in "
        "the call, or have too much. These times include the hooks' own cost, of which a way with more stages has "
        "more; "
        "frames/s has none of it.",
        0);
}

}  // namespace

void append_method_costs_text(fmt::memory_buffer& out, std::span<const MethodCost> costs, const MethodsSetup& setup,
                              const Style& style) {
    append_measured(out, costs, setup, style);
    if (!setup.traced) return;
    end_line(out);
    paint(out, style, Tone::bold, "TRACING");
    fmt::format_to(std::back_inserter(out), "  what it lost of the traced rounds\n");
    append_loss_text(out, *setup.traced, style);
}

}  // namespace sockray
