// How long sends took, over time.
#pragma once

#include <cstdint>
#include <string_view>

#include "user/analyze/latency_grid.h"
#include "user/base/format.h"

namespace sockray::html {

// Nothing where no send was counted. `start_ns`: of tracing.
void append_heatmap(fmt::memory_buffer& out, const LatencyGrid& latency, std::uint64_t start_ns,
                    std::string_view label);

}  // namespace sockray::html
