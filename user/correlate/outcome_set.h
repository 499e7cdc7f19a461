// Which outcomes are shown.
#pragma once

#include <cstdint>
#include <string_view>

#include "user/base/result.h"
#include "user/correlate/send.h"

namespace sockray {

using OutcomeSet = std::uint32_t;  // bit an Outcome

constexpr OutcomeSet outcome_bit(Outcome outcome) {
    return OutcomeSet{1} << static_cast<unsigned>(outcome);
}

inline constexpr OutcomeSet all_outcomes = (OutcomeSet{1} << outcome_count) - 1;

// "dropped,failed": names of outcomes with commas between them. Errors: usage, where one of them is none.
Result<OutcomeSet> parse_outcomes(std::string_view text);

}  // namespace sockray
