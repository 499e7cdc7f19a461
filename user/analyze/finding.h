// What stands out in a session, in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/correlate/send.h"

namespace sockray {

// What a finding costs. In their order: a frame that did not arrive is worse than one that came late.
enum class FindingKind {
    loss,        // frames that were lost
    time,        // that the sends spent
    information  // nothing by itself: what is good to know of the session, or of what is known of it
};

constexpr std::string_view kind_name(FindingKind kind) {
    switch (kind) {
        case FindingKind::loss: return "loss";
        case FindingKind::time: return "time";
        case FindingKind::information: return "information";
    }
    return "information";
}

struct Finding {
    std::string rule;   // its lasting name, for scripts: "send-buffer"
    std::string title;  // one line, with the number that matters
    // The share of the session that it costs, 0 to 1: of the frames, or of the time that all sends spent in the kernel.
    // Where --outcome left sends out: of all frames that the ledger counts, but of the time of the sends recorded.
    // Findings are ordered by their kind, and those of one kind by it.
    double cost = 0;
    std::vector<std::string> evidence;      // one line each: a number, where it was measured
    std::vector<std::uint64_t> sends = {};  // Send::id of a few that show it best
    std::string cause;                      // the likely one
    std::string advice;                     // what to try
    FindingKind kind = FindingKind::loss;
    std::uint64_t more_sends = 0;     // that show it too, beside `sends`
    std::vector<Send> examples = {};  // `sends`, whole but for the bytes of their frames
};

}  // namespace sockray
