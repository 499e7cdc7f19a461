// Numbers in sentences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "user/base/format.h"

namespace sockray {

// "1 send", "2 sends"; of an irregular noun, both forms.
inline std::string count_of(std::uint64_t count, std::string_view one, std::string_view many = {}) {
    if (count == 1) return fmt::format("1 {}", one);
    return many.empty() ? fmt::format("{} {}s", count, one) : fmt::format("{} {}", count, many);
}

// The verb that goes with it.
constexpr std::string_view verb_of(std::uint64_t count, std::string_view one, std::string_view many) {
    return count == 1 ? one : many;
}

}  // namespace sockray
