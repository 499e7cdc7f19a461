// The hooks of a plan, as `sockray trace --json` prints it: where others are to hook to see what sockray sees.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace sockray::bench {

struct PlanHook {
    std::string stage;
    std::string kind;  // "fentry", "kprobe", "kprobe.multi"
    std::string function;
    std::uint64_t offset = 0;  // bytes from the function's entry
    bool on_return = false;    // the return is hooked as well
};

// The lines of type "plan" that have a hook at a function, in their order; other lines are passed over.
std::vector<PlanHook> read_plan(std::istream& lines);

}  // namespace sockray::bench
