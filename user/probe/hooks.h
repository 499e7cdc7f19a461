// The plan's table: for each stage, the kernel functions that may realise it and the BPF programs that hook them.
//
// A function that was renamed or moved is one more name here; there is no test of kernel versions anywhere.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/plan.h"
#include "user/base/stage.h"
#include "user/probe/backend.h"

namespace sockray {

// One row of the table.
struct HookRow {
    Stage stage;
    std::array<std::string_view, 2> functions;  // the first that the kernel has is taken; "" is none
    std::string_view enter;                     // program for its entry, for kprobes; other backends: program_for()
    std::string_view exit;                      // program for its return; "" is none
    bool takes_arguments;  // the programs read arguments: a name that gcc derived (.isra.0) may not have them
};

std::span<const HookRow> hook_rows();

// A stage that is known by tracepoints.
struct TracepointRow {
    Stage stage;
    std::string_view tracepoint;
    std::string_view program;
    bool always;              // outcomes need it: attached whether the stage is asked for or not
    std::string_view reason;  // for the plan; empty in a second row of a stage
    // What the plan says of a row that is always attached, where its stage was not asked for.
    Evidence unasked = Evidence::absent;
    std::string_view unasked_reason = {};
};

std::span<const TracepointRow> tracepoints();

// What the plan says of a stage whose function this kernel does not have.
struct Absence {
    Evidence evidence;
    std::string_view reason;
};
Absence absence_of(Stage stage);

// One attachment.
struct Hook {
    Stage stage = Stage::none;
    std::string program;       // of bpf/trace.bpf.c
    std::string function;      // kernel symbol
    std::uint64_t offset = 0;  // bytes
    bool on_return = false;
    Backend backend = Backend::kprobe;
};

// The program of bpf/trace.bpf.c that hooks a row's function in this way. fentry programs are named after the stage and
// may be missing there; the two for kprobe.multi serve all stages of their masks (bpf/multi.bpf.h).
std::string program_for(const HookRow& row, Backend backend, bool on_return);

}  // namespace sockray
