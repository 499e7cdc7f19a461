#include "user/report/machine_text.h"

#include <algorithm>

namespace sockray {
namespace {

struct Mark {
    std::string_view text;
    Tone tone;
};

Mark mark_of(Effect effect) {
    switch (effect) {
        case Effect::helps: return {"ok", Tone::good};
        case Effect::hinders: return {"slow", Tone::warning};
        case Effect::prevents: return {"no", Tone::bad};
    }
    return {"", Tone::plain};
}

void append_verdict(fmt::memory_buffer& out, const std::optional<Error>& obstacle, const Style& style) {
    if (obstacle) {
        paint(out, style, Tone::bad, obstacle->what);
        if (!obstacle->remedy.empty()) fmt::format_to(std::back_inserter(out), "\n  {}", obstacle->remedy);
    } else {
        paint(out, style, Tone::good, "sockray can trace packet sockets on this machine");
    }
    fmt::format_to(std::back_inserter(out), "\n\n");
}

}  // namespace

void append_machine_text(fmt::memory_buffer& out, std::span<const Condition> conditions,
                         const std::optional<Error>& obstacle, const Style& style) {
    append_verdict(out, obstacle, style);
    paint(out, style, Tone::bold, "MACHINE");
    fmt::format_to(std::back_inserter(out), "\n");
    int width = 0;
    for (const Condition& condition : conditions) width = std::max(width, columns(condition.name));
    for (const Condition& condition : conditions) {
        const Mark mark = mark_of(condition.effect);
        fmt::format_to(std::back_inserter(out), "  ");
        paint_cell(out, style, Tone::plain, condition.name, width + 2);
        paint_cell(out, style, mark.tone, mark.text, 6);
        fmt::format_to(std::back_inserter(out), "{}\n", printable(condition.state, style.utf8));
        if (!condition.remedy.empty())
            fmt::format_to(std::back_inserter(out), "  {:{}}{}\n", "", width + 8, condition.remedy);
    }
    fmt::format_to(std::back_inserter(out), "\n");
}

}  // namespace sockray
