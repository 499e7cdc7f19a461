// Parts of a whole, in sentences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "user/base/format.h"

namespace sockray {

// Which part of the whole; 0 where that is 0, and never above 1.
constexpr double share(std::uint64_t part, std::uint64_t whole) {
    return part >= whole ? (whole ? 1.0 : 0.0) : static_cast<double>(part) / static_cast<double>(whole);
}

// "78 %", "7.8 %", "0.25 %". What rounding would make nothing or everything is "< 0.01 %" or "> 99.9 %".
inline std::string percent(double share, std::string_view sign = " %") {
    const double hundredths = share * 100;
    if (hundredths <= 0) return fmt::format("0{}", sign);
    if (hundredths < 0.01) return fmt::format("< 0.01{}", sign);
    if (hundredths < 100 && hundredths > 99.9) return fmt::format("> 99.9{}", sign);
    const bool near_all = hundredths >= 99.5 && hundredths < 100;
    const int digits = hundredths < 0.995 ? 2 : hundredths < 9.95 || near_all ? 1 : 0;
    return fmt::format("{:.{}f}{}", hundredths, digits, sign);
}

}  // namespace sockray
