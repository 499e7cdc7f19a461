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

namespace sockray {

// One row of the table.
struct HookRow {
    Stage stage;
    std::array<std::string_view, 2> functions;  // the first that the kernel has is taken; "" is none
    std::string_view enter;                     // program for its entry
    std::string_view exit;                      // program for its return; "" is none
    bool takes_arguments;  // the programs read arguments: a name that gcc derived (.isra.0) may not have them
};

std::span<const HookRow> hook_rows();

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
};

}  // namespace sockray
