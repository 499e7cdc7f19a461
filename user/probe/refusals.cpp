#include "user/probe/refusals.h"

#include <algorithm>

#include "user/probe/preemption.h"
#include "user/probe/trial.h"

namespace sockray {

std::vector<Refusal> unfit_backends(const Plan& plan, const LiveKernel& kernel, bool asked_for) {
    std::string reason;
    if (!kernel.has_own_types)
        reason = "the kernel has no BTF of its own";
    else if (!asked_for && programs_are_preempted())
        reason = "this kernel preempts BPF programs, and would skip those of other tasks on the CPU meanwhile";
    std::vector<Refusal> refusals;
    if (reason.empty()) return refusals;
    for (const PlanLine& line : plan.lines) refusals.push_back({line.stage, Backend::fentry, reason});
    return refusals;
}

std::vector<Refusal> refuse_hooks(const Blueprint& blueprint, Backend backend, const std::string& reason) {
    std::vector<Refusal> refusals;
    for (const Hook& hook : blueprint.hooks)
        if (hook.backend == backend && !hook.on_return) refusals.push_back({hook.stage, backend, reason});
    return refusals;
}

void try_alternatives(Plan& plan, const LiveKernel& kernel) {
    for (PlanLine& line : plan.lines)
        for (const Backend backend : all_backends) {
            const auto same = [&](const Alternative& one) {
                return one.backend == backend_name(backend) && one.verdict == "not tried";
            };
            if (std::ranges::any_of(line.alternatives, same))
                note_trial(plan, line.stage, backend, try_hook(kernel, backend, line.function, line.offset));
        }
}

}  // namespace sockray
