#include "user/live/tree.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "user/base/paragraph.h"
#include "user/base/words.h"
#include "user/correlate/explain.h"
#include "user/correlate/path.h"
#include "user/live/outcome_tone.h"
#include "user/live/step_note.h"

namespace sockray {

namespace {

constexpr int least_name_width = 36;  // the usual path, so that trees that follow one another are aligned
constexpr int evidence_width = 8;
constexpr int time_width = 9;

Tone evidence_tone(Evidence evidence) {
    return evidence == Evidence::derived || evidence == Evidence::absent ? Tone::dim : Tone::plain;
}

void append_header(fmt::memory_buffer& out, const Send& send, const Style& style, std::string_view time) {
    const sr_send& record = send.record;
    paint(out, style, Tone::bold, fmt::format("SEND {}", send.id));
    fmt::format_to(std::back_inserter(out), "  {}[{}]  {}, {}", printable(record.comm, style.utf8), record.pid,
                   entry_name(record), count_of(record.len, "byte"));
    if (record.ifname[0]) fmt::format_to(std::back_inserter(out), " on {}", printable(record.ifname, style.utf8));
    fmt::format_to(std::back_inserter(out), ", socket {}", record.socket_ino);
    paint(out, style, Tone::dim, fmt::format("  {}\n", time));
}

void append_outcome(fmt::memory_buffer& out, const Send& send, const Style& style) {
    const std::string_view outcome = outcome_name(send.outcome);
    std::string text(outcome);
    if (send.end_stage != Stage::none) text += fmt::format(" in {}", stage_name(send.end_stage));
    const auto took = duration_ns(send.record);
    if (took) text += fmt::format(" after {}", duration(*took));
    if (const auto frame = frame_duration_ns(send.record); frame && took && *frame > *took)
        text += fmt::format(", the frame after {}", duration(*frame));
    if (!send.reason.empty())
        text += fmt::format(": {}", printable(send.reason, style.utf8));
    else if (const std::string passed_on = explain_passing_on(send.record); !passed_on.empty())
        text += fmt::format(": {}", printable(passed_on, style.utf8));
    if (const std::string wait = explain_wait(send.record); !wait.empty()) text += "; " + wait;
    std::string_view colored = outcome;
    for (const std::string_view line : wrapped(text, style.width - 2)) {
        out.append(std::string_view("  "));
        paint(out, style, tone_of(send.outcome), colored);
        fmt::format_to(std::back_inserter(out), "{}\n", line.substr(colored.size()));
        colored = {};
    }
}

}  // namespace

void append_tree(fmt::memory_buffer& out, const Send& send, const Plan& plan, const KernelNames& names,
                 const Style& style, std::string_view time) {
    const Steps steps = steps_of(send.record, plan);
    const std::uint64_t begin = begin_ns(send.record);
    std::array<int, SR_SLOT_COUNT> depths{};
    std::transform(steps.begin(), steps.end(), depths.begin(), [](const Step& step) { return step.depth; });
    const std::span<const int> tree(depths.data(), steps.size);

    int name_width = least_name_width;
    for (const Step& step : steps) name_width = std::max(name_width, 3 * step.depth + columns(stage_name(step.stage)));

    append_header(out, send, style, time);
    for (std::size_t i = 0; i < steps.size; i++) {
        const Step& step = steps.step[i];
        const std::string lines = branch(tree, i, style);
        out.append(std::string_view("  "));
        paint(out, style, Tone::dim, lines);
        paint_cell(out, style, evidence_tone(step.evidence), stage_name(step.stage), name_width - columns(lines));
        out.append(std::string_view("  "));
        paint_cell(out, style, Tone::dim, evidence_name(step.evidence), evidence_width);
        const bool started = step.span.start >= begin && step.span.start;
        const bool ended = started && step.span.end >= step.span.start && !is_moment(stage_info(step.stage).slot);
        int room = style.width - (2 + name_width + 2 + evidence_width + 2);
        if (started) {
            paint_cell(out, style, Tone::dim, "+" + duration(step.span.start - begin), time_width, Align::right);
            paint_cell(out, style, Tone::plain, ended ? duration(step.span.end - step.span.start) : "", time_width,
                       Align::right);
            room -= 2 * time_width;
        }
        if (const std::string text = step_note(send, step, names, room); !text.empty())
            fmt::format_to(std::back_inserter(out), "  {}", text);
        end_line(out);
    }
    append_outcome(out, send, style);
}

}  // namespace sockray
