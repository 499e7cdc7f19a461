// What stands out in a session, in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sockray {

struct Finding {
    std::string rule;   // its lasting name, for scripts: "send-buffer"
    std::string title;  // one line, with the number that matters
    // The share of the session that it costs, 0 to 1: of the frames that were lost or hidden, or of the time that all
    // sends spent in the kernel. Findings are ordered by it.
    double cost = 0;
    std::vector<std::string> evidence;      // one line each: a number, where it was measured
    std::vector<std::uint64_t> sends = {};  // Send::id of a few that show it best
    std::string cause;                      // the likely one
    std::string advice;                     // what to try
};

}  // namespace sockray
