// The object of all tracing programs, before it is loaded: opened with the kernel's types, and the programs chosen.
#pragma once

#include <memory>
#include <vector>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/probe/btf.h"
#include "user/probe/fentry_targets.h"
#include "user/probe/plan.h"
#include "user/probe/refusals.h"

struct trace_bpf;

namespace sockray {

struct DestroyTraceProgram {
    void operator()(trace_bpf* program) const;
};
struct OpenedProgram {
    std::unique_ptr<trace_bpf, DestroyTraceProgram> program;
    Fd types;  // to be kept until it is loaded: libbpf reads them then
};

Result<OpenedProgram> open_trace_program(const KernelTypes& types);

// Behind the load: libbpf 1.1 has mapped .bss, newer ones leave that to who has given them a map of its own.
Status map_zeros(trace_bpf& program);

// What is left of the programs of the hooks, once they are switched on.
struct Selection {
    std::vector<Refusal> refusals;  // those that there is no program or no target for
    FentryTargets targets;          // of the others, for the load
};
Selection select_programs(trace_bpf& program, const Blueprint& blueprint, const KernelTypes& types);

}  // namespace sockray
