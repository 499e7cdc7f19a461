// Decimal digits of times: of such that come together only the last ones differ.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "user/base/format.h"

namespace sockray {

inline constexpr std::uint32_t six_digits_end = 1'000'000;

inline constexpr auto digit_pairs = [] {
    std::array<char, 200> text{};
    for (std::size_t i = 0; i < 100; i++) {
        text[2 * i] = static_cast<char>('0' + i / 10);
        text[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return text;
}();

// Both digits of a number below 100.
inline void put_digit_pair(char* to, std::uint32_t number) {
    std::memcpy(to, digit_pairs.data() + std::size_t{2} * number, 2);
}

// Exactly six of them, for a number below six_digits_end.
inline void put_six_digits(char* to, std::uint32_t number) {
    put_digit_pair(to, number / 10'000);
    put_digit_pair(to + 2, number / 100 % 100);
    put_digit_pair(to + 4, number % 100);
}

// Writes the digits before the last six only where they are others than those of the number before.
class NearDigits {
  public:
    // Until the next call.
    std::string_view of(std::uint64_t number) {
        const std::uint64_t leading = number / six_digits_end;
        if (leading != leading_ || leading == 0) {
            leading_ = leading;
            size_ = write_all(number);
        } else {
            put_six_digits(text_.data() + size_ - 6, static_cast<std::uint32_t>(number % six_digits_end));
        }
        return {text_.data(), size_};
    }

  private:
    std::size_t write_all(std::uint64_t number) {
        const fmt::format_int digits(number);
        std::memcpy(text_.data(), digits.data(), digits.size());
        return digits.size();
    }

    std::uint64_t leading_ = 0;
    std::size_t size_ = 0;
    std::array<char, 20> text_{};
};

}  // namespace sockray
