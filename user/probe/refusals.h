// Which kinds of hook are left out of a plan, and why: before they are tried, for what the kernel then said of them,
// and of those that were not taken, whether they would have worked.
#pragma once

#include <string>
#include <vector>

#include "user/probe/live_kernel.h"
#include "user/probe/plan.h"

namespace sockray {

// What works and would lose sends, unless it is asked for, and what this kernel cannot have.
std::vector<Refusal> unfit_backends(const Plan& plan, const LiveKernel& kernel, bool asked_for);

// All hooks of this backend, for one reason.
std::vector<Refusal> refuse_hooks(const Blueprint& blueprint, Backend backend, const std::string& reason);

// Tries for a moment what was not taken, and notes the verdict in the plan.
void try_alternatives(Plan& plan, const LiveKernel& kernel);

}  // namespace sockray
