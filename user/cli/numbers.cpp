#include "user/cli/numbers.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "user/base/format.h"

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
    if (error == std::errc::invalid_argument || !whole)
        return usage(fmt::format("'{}' is not a whole number: {}", text, bounds(least, most)));
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

Result<std::uint64_t> parse_seconds(std::string_view text, std::uint64_t least_ms, std::uint64_t most_ms) {
    constexpr std::size_t decimals = 3;
    const std::size_t point = std::min(text.find('.'), text.size());
    std::string digits(text.substr(0, point));
    std::string_view fraction = text.substr(std::min(point + 1, text.size()));
    const bool is_sound = !digits.empty() && digits.size() <= 9 && fraction.size() <= decimals &&
                          (point == text.size() || !fraction.empty());
    digits.append(fraction).append(decimals - std::min(fraction.size(), decimals), '0');
    const auto ms = parse_number(digits, 0, UINT64_MAX);
    if (!is_sound || !ms) return usage(fmt::format("'{}' is not a number of seconds such as 2 or 0.5", text));
    if (*ms < least_ms || *ms > most_ms)
        return usage(fmt::format("{} is out of range: {} to {} s", text, static_cast<double>(least_ms) / 1000,
                                 static_cast<double>(most_ms) / 1000));
    return *ms;
}

}  // namespace sockray
