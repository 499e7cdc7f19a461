// The median send of a path as boxes in boxes: when each stage runs, and in which other.
#pragma once

#include <vector>

#include "user/analyze/chain.h"
#include "user/base/format.h"
#include "user/base/plan.h"
#include "user/report/chain_rows.h"

namespace sockray::html {

// Nothing where no send was timed. What happens behind the return of the send is not in it.
void append_icicle(fmt::memory_buffer& out, const Path& path, const std::vector<ChainRow>& rows, const Plan& plan);

}  // namespace sockray::html
