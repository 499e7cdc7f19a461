#include "user/report/plan_text.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/base/paragraph.h"

namespace sockray {

namespace {

constexpr int name_width = 27;
constexpr int evidence_width = 8;
constexpr int text_column = 2 + name_width + 2 + evidence_width + 2;

Tone tone_of(Evidence evidence) {
    switch (evidence) {
        case Evidence::probed: return Tone::plain;
        case Evidence::located: return Tone::good;
        case Evidence::derived: return Tone::warning;
        case Evidence::absent: return Tone::dim;
    }
    return Tone::plain;
}

void append_reason(fmt::memory_buffer& out, std::string_view reason, const Style& style, bool starts_line) {
    for (const std::string_view line : wrapped(reason, std::max(style.width - text_column, 24))) {
        if (starts_line) fmt::format_to(std::back_inserter(out), "{:{}}", "", text_column);
        paint(out, style, Tone::dim, line);
        end_line(out);
        starts_line = true;
    }
}

void append_line(fmt::memory_buffer& out, const PlanLine& line, const Style& style) {
    const Tone tone = line.evidence == Evidence::absent ? Tone::dim : Tone::plain;
    out.append(std::string_view("  "));
    paint_cell(out, style, tone, stage_name(line.stage), name_width);
    out.append(std::string_view("  "));
    paint_cell(out, style, tone_of(line.evidence), evidence_name(line.evidence), evidence_width);
    out.append(std::string_view("  "));
    const std::string reason = printable(line.reason, style.utf8);
    if (line.function.empty()) {
        append_reason(out, reason, style, false);
        return;
    }
    // A stage has the name of its function: only another one need be said.
    out.append(line.hook);
    if (line.offset)
        fmt::format_to(std::back_inserter(out), " at {}+{}", line.function, line.offset);
    else if (line.function != stage_name(line.stage))
        fmt::format_to(std::back_inserter(out), "{} {}", line.hook == "tracepoint" ? "" : " on", line.function);
    end_line(out);
    if (!reason.empty()) append_reason(out, reason, style, true);
}

// "packet_snd, tpacket_snd", or how many.
std::string stages_text(const std::vector<std::string_view>& stages) {
    constexpr std::size_t most = 4;
    if (stages.size() > most) return fmt::format("{} stages", stages.size());
    return fmt::format("{}", fmt::join(stages, ", "));
}

void append_backend_text(fmt::memory_buffer& out, std::string_view text, const Style& style) {
    constexpr int column = 2 + name_width + 2;
    bool first = true;
    for (const std::string_view line : wrapped(text, std::max(style.width - column, 24))) {
        if (!std::exchange(first, false)) fmt::format_to(std::back_inserter(out), "{:{}}", "", column);
        fmt::format_to(std::back_inserter(out), "{}\n", line);
    }
}

// Which kinds of hook there are, and why each was taken or not: a line for all stages of which the same is said.
void append_backends(fmt::memory_buffer& out, const Plan& plan, const Style& style) {
    struct Said {
        std::string backend;
        std::string what;
        std::vector<std::string_view> stages;
    };
    std::vector<Said> all;
    for (const PlanLine& line : plan.lines)
        for (const Alternative& one : line.alternatives) {
            const std::string what =
                one.verdict + (one.reason.empty() ? ""
                                                  : fmt::format("{}{}", one.verdict == "works" ? ", but " : ": ",
                                                                printable(one.reason, style.utf8)));
            const auto found = std::ranges::find_if(
                all, [&](const Said& said) { return said.backend == one.backend && said.what == what; });
            if (found != all.end())
                found->stages.push_back(stage_name(line.stage));
            else
                all.push_back({one.backend, what, {stage_name(line.stage)}});
        }
    // By backend; they come in the same order in every line.
    std::vector<std::string> backends;
    for (const Said& said : all)
        if (std::ranges::find(backends, said.backend) == backends.end()) backends.push_back(said.backend);
    for (const std::string& backend : backends) {
        std::string_view name = backend;
        for (const Said& said : all) {
            if (said.backend != backend) continue;
            out.append(std::string_view("  "));
            paint_cell(out, style, Tone::plain, std::exchange(name, ""), name_width);
            out.append(std::string_view("  "));
            append_backend_text(out, fmt::format("{}: {}", stages_text(said.stages), said.what), style);
        }
    }
}

}  // namespace

void append_plan_text(fmt::memory_buffer& out, const Plan& plan, const Style& style) {
    const auto group = [&](std::string_view title, bool of_sends) {
        paint_cell(out, style, Tone::bold, title, 2 + name_width + 2);
        paint_cell(out, style, Tone::dim, "evidence", evidence_width + 2);
        paint(out, style, Tone::dim, "hook");
        end_line(out);
        for (const PlanLine& line : plan.lines)
            if ((stage_info(line.stage).slot >= 0) == of_sends) append_line(out, line, style);
    };
    group("SOCKET CREATION", false);
    end_line(out);
    group("SEND", true);
    end_line(out);
    paint_cell(out, style, Tone::bold, "BACKENDS", 2 + name_width + 2);
    paint(out, style, Tone::dim, "kinds of hook, the cheapest first");
    end_line(out);
    append_backends(out, plan, style);
}

}  // namespace sockray
