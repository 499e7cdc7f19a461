// The chain: each path as a picture of its median send, with the times and the evidence of each stage.
#pragma once

#include "user/analyze/chain.h"
#include "user/base/format.h"
#include "user/base/plan.h"

namespace sockray::html {

// The paths that most sends took; what is beyond them is counted.
void append_chain(fmt::memory_buffer& out, const Chain& chain, const Plan& plan);

}  // namespace sockray::html
