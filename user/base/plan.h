// The plan: for each stage, how it is seen on the running kernel. Made by user/probe, shown by everybody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/base/stage.h"

namespace sockray {

// How a stage is known (docs/hooks.md).
enum class Evidence {
    probed,   // a hook on the function's own entry
    located,  // the function is inlined; a kprobe sits on its first instruction inside its caller
    derived,  // no hook of its own: it follows from kernel state that was read
    absent    // this kernel does not have it
};

constexpr std::string_view evidence_name(Evidence evidence) {
    switch (evidence) {
        case Evidence::probed: return "probed";
        case Evidence::located: return "located";
        case Evidence::derived: return "derived";
        case Evidence::absent: return "absent";
    }
    return "absent";
}

// One kind of hook for a stage, whether it was taken or not.
struct Alternative {
    std::string backend;  // "fentry", "kprobe-multi", "kprobe"
    std::string verdict;  // "taken", "works" (tried, not taken), "refused" (by the kernel or the place), "not tried"
    std::string reason;   // why so, in a sentence; empty where it was taken and nothing cheaper was refused
};

struct PlanLine {
    Stage stage = Stage::none;
    Evidence evidence = Evidence::absent;
    std::string function;      // the kernel symbol that a hook sits in; empty without one
    std::uint64_t offset = 0;  // of the hook from the symbol's start, bytes
    // "fentry+fexit", "kprobe.multi+kretprobe.multi", "kprobe+kretprobe", "kprobe", "tracepoint", "none"
    std::string hook;
    std::string reason;                          // why so, in a sentence; empty only where a plain entry hook says all
    std::vector<Alternative> alternatives = {};  // the cheapest first; none without a hook
    bool partly = false;  // the stage was not asked for, and is shown of those sends alone that outcomes needed it of
};

struct Plan {
    std::vector<PlanLine> lines;  // one for each stage, in the order of all_stages

    // The line of a stage, or nullptr.
    const PlanLine* find(Stage stage) const {
        const std::size_t place = stage_place(stage);
        if (place < lines.size() && lines[place].stage == stage) return &lines[place];
        for (const PlanLine& line : lines)
            if (line.stage == stage) return &line;
        return nullptr;
    }
    PlanLine* find(Stage stage) { return const_cast<PlanLine*>(std::as_const(*this).find(stage)); }
    Evidence evidence(Stage stage) const {
        const PlanLine* line = find(stage);
        return line ? line->evidence : Evidence::absent;
    }
};

}  // namespace sockray
