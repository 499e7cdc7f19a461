// The one clock of sockray: CLOCK_MONOTONIC in nanoseconds, which is what bpf_ktime_get_ns() reads.
#pragma once

#include <ctime>

#include <cstdint>

namespace sockray {

inline std::uint64_t clock_ns(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t monotonic_ns() {
    return clock_ns(CLOCK_MONOTONIC);
}

}  // namespace sockray
