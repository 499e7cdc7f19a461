// What the driver knows of each of its sends. Passive; shared with user/correlate, which joins it with the
// records.
#pragma once

#include <cstdint>

namespace sockray {

struct DriveEvent {
    std::uint64_t number = 0;     // 1, 2, 3 ...; carried in the frame
    std::uint64_t before_ns = 0;  // CLOCK_MONOTONIC just before the system call
    std::uint64_t after_ns = 0;   // and just after it
    std::int64_t ret = 0;         // what the system call returned
    std::uint32_t tid = 0;        // thread that sent it
    std::int32_t err = 0;         // errno, 0 where ret >= 0
};

}  // namespace sockray
