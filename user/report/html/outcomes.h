// How sends ended, over time.
#pragma once

#include <cstdint>

#include "user/analyze/time_grid.h"
#include "user/base/format.h"

namespace sockray::html {

// `outcomes`: a row for each Outcome. A strip for each that there was, each with a scale of its own. `start_ns`: of
// tracing.
void append_outcomes(fmt::memory_buffer& out, const TimeGrid& outcomes, std::uint64_t start_ns);

}  // namespace sockray::html
