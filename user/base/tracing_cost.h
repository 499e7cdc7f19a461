// What tracing adds to a plain send, as it was measured on the machine that traced. Plain: it is neither recorded (-w)
// nor followed behind its return, which cost more.
#pragma once

#include <cstdint>

namespace sockray {

// Sends on a private loopback interface, before the hooks were attached and with them: the difference of
// the medians, and that of the quartiles which are nearest to and farthest from each other.
struct TracingCost {
    std::uint64_t median_ns = 0;
    std::uint64_t low_ns = 0;
    std::uint64_t high_ns = 0;
};

}  // namespace sockray
