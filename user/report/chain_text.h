// The chain as text: every path as a tree of stages with hits, median, p99 and where in the send they lie.
#pragma once

#include <fmt/format.h>

#include "user/analyze/chain.h"
#include "user/base/plan.h"
#include "user/base/terminal.h"

namespace sockray {

// Paths with the most sends first. Stages that this kernel or this path does not have are shown in their
// place, with the reason.
void append_chain_text(fmt::memory_buffer& out, const Chain& chain, const Plan& plan, const Style& style);

}  // namespace sockray
