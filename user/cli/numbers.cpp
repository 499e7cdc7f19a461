#include "user/cli/numbers.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <string>

namespace sockray {
namespace {

constexpr std::string_view units = "KMG";

std::string bounds(std::uint64_t least, std::uint64_t most) {
    return fmt::format("{} to {}", least, most);
}

}  // namespace

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = end == text.data() + text.size();
    if (error == std::errc::invalid_argument || !whole) return usage(fmt::format("'{}' is not a number", text));
    if (error != std::errc{} || value < least || value > most)
        return usage(fmt::format("{} is out of range: {}", text, bounds(least, most)));
    return value;
}

Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t least, std::uint64_t most) {
    const std::size_t unit =
        text.empty() ? std::string_view::npos : units.find(static_cast<char>(std::toupper(text.back())));
    const unsigned shift = unit == std::string_view::npos ? 0 : 10U * (static_cast<unsigned>(unit) + 1);
    const std::string_view digits = shift ? text.substr(0, text.size() - 1) : text;
    const auto value = parse_number(digits, 0, UINT64_MAX >> shift);
    if (!value) return usage(fmt::format("'{}' is not a size such as 4096, 64K or 8M", text));
    if ((*value << shift) < least || (*value << shift) > most)
        return usage(fmt::format("{} is out of range: {} bytes", text, bounds(least, most)));
    return *value << shift;
}

}  // namespace sockray
