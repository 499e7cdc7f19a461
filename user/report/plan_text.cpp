#include "user/report/plan_text.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace sockray {

namespace {

constexpr int name_width = 22;
constexpr int evidence_width = 8;
constexpr int function_width = 22;
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
        out.push_back('\n');
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
    paint_cell(out, style, Tone::plain, line.offset ? fmt::format("{}+{}", line.function, line.offset) : line.function,
               function_width);
    fmt::format_to(std::back_inserter(out), "  {}\n", line.hook);
    if (!reason.empty()) append_reason(out, reason, style, true);
}

}  // namespace

void append_plan_text(fmt::memory_buffer& out, const Plan& plan, const Style& style) {
    const auto group = [&](std::string_view title, bool of_sends) {
        paint_cell(out, style, Tone::bold, title, 2 + name_width + 2);
        paint_cell(out, style, Tone::dim, "evidence", evidence_width + 2);
        paint_cell(out, style, Tone::dim, "function", function_width + 2);
        paint(out, style, Tone::dim, "hook");
        out.push_back('\n');
        for (const PlanLine& line : plan.lines)
            if ((stage_info(line.stage).slot >= 0) == of_sends) append_line(out, line, style);
    };
    group("SOCKET CREATION", false);
    out.push_back('\n');
    group("SEND", true);
}

}  // namespace sockray
