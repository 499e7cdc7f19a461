// Where, when and how a session was traced: what its times and names must be read with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "user/base/stage_set.h"

namespace sockray {

struct Origin {
    std::string version;               // of the sockray that traced
    std::vector<std::string> command;  // its command line
    std::string host;                  // uname(2): nodename, release, machine
    std::string kernel;
    std::string machine;
    std::uint64_t start_ns = 0;           // CLOCK_MONOTONIC, when tracing was armed
    std::int64_t realtime_offset_ns = 0;  // CLOCK_REALTIME - CLOCK_MONOTONIC at that moment
    StageSet stages = 0;                  // those that were asked for
};

}  // namespace sockray
