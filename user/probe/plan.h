// Makes the plan: from the kernel's symbols, types and code bytes to the hooks that will be attached.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "user/base/plan.h"
#include "user/base/result.h"
#include "user/base/stage_set.h"
#include "user/probe/hooks.h"
#include "user/probe/inlined.h"
#include "user/probe/live_kernel.h"
#include "user/probe/symbols.h"

namespace sockray {

struct Blueprint {
    Plan plan;                // what users see
    std::vector<Hook> hooks;  // what is attached: entries first, then returns
};

// Pure. `bodies`: where packet_snd and tpacket_snd were found inside packet_sendmsg, or why not.
// Errors: not_allowed where the kernel lacks what the main job cannot do without.
// Stages that are not in `stages` are not hooked.
Result<Blueprint> make_plan(const KernelSymbols& symbols, const Result<InlinedBodies>& bodies,
                            StageSet stages = chain_stages);

// The same for the running kernel: reads the code of packet_sendmsg and looks for the two bodies first.
Result<Blueprint> make_plan(LiveKernel& kernel, StageSet stages);

// That a stage cannot be hooked in this way.
struct Refusal {
    Stage stage = Stage::none;
    Backend backend = Backend::kprobe;
    std::string reason;
};

// Pure. Gives every hooked stage of a plan fresh from make_plan() the cheapest backend that nobody refused; with `only`
// that one, and kprobes where it is refused. A stage that all refuse is withdrawn. Errors: not_allowed, where it is
// packet_sendmsg that is refused what `only` asks for, or everything.
Status choose_backends(Blueprint& blueprint, std::optional<Backend> only, const std::vector<Refusal>& refusals);

// What a trial said of a backend that was not taken; `why_not` is empty where it works.
void note_trial(Plan& plan, Stage stage, Backend backend, const std::string& why_not);

// The stage is no longer hooked: a body that was located becomes derived, everything else absent.
void withdraw(Blueprint& blueprint, Stage stage, const std::string& reason);

}  // namespace sockray
