// Makes the plan: from the kernel's symbols, types and code bytes to the hooks that will be attached.
#pragma once

#include <vector>

#include "user/base/plan.h"
#include "user/base/result.h"
#include "user/probe/hooks.h"
#include "user/probe/inlined.h"
#include "user/probe/kallsyms.h"
#include "user/probe/live_kernel.h"

namespace sockray {

struct Blueprint {
    Plan plan;                // what users see
    std::vector<Hook> hooks;  // what is attached: entries first, then returns
};

// Pure. `bodies`: where packet_snd and tpacket_snd were found inside packet_sendmsg, or why not.
// Errors: not_allowed where the kernel lacks what the main job cannot do without.
Result<Blueprint> make_plan(const Kallsyms& symbols, const Result<InlinedBodies>& bodies);

// The same for the running kernel: reads the code of packet_sendmsg and looks for the two bodies first.
Result<Blueprint> make_plan(LiveKernel& kernel);

// The stage is no longer hooked: a body that was located becomes derived, everything else absent.
void withdraw(Blueprint& blueprint, Stage stage, const std::string& reason);

}  // namespace sockray
