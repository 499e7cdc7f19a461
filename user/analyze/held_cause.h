// Why a counter has more, or fewer, than the ledger expects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/analyze/held_counters.h"

namespace sockray {

// `more`, `fewer`: the cause where it counted more, or fewer.
HeldCounter held(std::string_view counter, std::uint64_t counted, std::uint64_t expected, std::string_view what,
                 std::string more, std::string fewer);

// What is known of here, and may be what a counter has more than the ledger expects.
struct Candidate {
    std::uint64_t frames;
    const char* as_many;  // as ...
    std::string may_be;   // also where it is not as many; empty: then it is not named
    bool sure = false;    // it was seen to have these: where they are as many, no other is named
};

// The first of them that is as many; where none is, all that may have a part in it, and `others`.
std::string cause_of_more(std::uint64_t counted, std::uint64_t expected, const std::vector<Candidate>& candidates,
                          const std::string& others);

}  // namespace sockray
