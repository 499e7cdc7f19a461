// Numbers on the command line: decimal digits and nothing else, within bounds, never wrapped or cut off.
#pragma once

#include <cstdint>
#include <string_view>

#include "user/base/result.h"

namespace sockray {

// "1000". Errors (usage): no number, or outside of `least` to `most`.
Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);

// The same, with K, M or G (1024 and its powers) behind it: "4096", "64K", "8M".
Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t least, std::uint64_t most);

// Seconds with at most three decimals, "2", "0.5", as milliseconds. Errors as above.
Result<std::uint64_t> parse_seconds(std::string_view text, std::uint64_t least_ms, std::uint64_t most_ms);

}  // namespace sockray
