// The chain as text: every path as a tree of stages with hits, median, p99 and where in the send they lie.
#pragma once

#include <optional>

#include "user/analyze/chain.h"
#include "user/base/format.h"
#include "user/base/plan.h"
#include "user/base/terminal.h"
#include "user/base/tracing_cost.h"

namespace sockray {

// Paths with the most sends first. Stages that this kernel or this path does not have are shown in their
// place, with the reason. `cost`: what tracing adds to a send. `without_hooks`: the medians also without the hooks'
// share.
void append_chain_text(fmt::memory_buffer& out, const Chain& chain, const Plan& plan,
                       const std::optional<TracingCost>& cost, const Style& style, bool without_hooks = false);

}  // namespace sockray
