// Text and numbers as they stand in the page.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "user/base/format.h"
#include "user/base/percent.h"

namespace sockray::html {

// Text from the outside, made visible and free of markup: fit for elements and for attributes in quotes.
std::string escaped(std::string_view text);

// "1,234,567"
std::string number(std::uint64_t count);

// Of a column, all with one digit behind the point: "12.3 %"; "< 0.1 %" and "> 99.9 %" where rounding would hide that
// there is some, or some missing.
std::string column_percent(double share);
inline std::string column_percent(std::uint64_t part, std::uint64_t whole) {
    return whole ? column_percent(share(part, whole)) : "";
}

// "1 send", "2 sends"
std::string counted(std::uint64_t count, std::string_view noun);

// Appends; what is put in must be markup, or escaped().
template <typename... Args>
void put(fmt::memory_buffer& out, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

}  // namespace sockray::html
