#include "user/base/near_digits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace sockray {
namespace {

TEST(NearDigits, AreTheDigitsOfEachNumberWhateverCameBefore) {
    NearDigits digits;
    for (const std::uint64_t number :
         {std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{999'999}, std::uint64_t{1'000'000},
          std::uint64_t{1'000'001}, std::uint64_t{5}, std::uint64_t{1'234'000'056}, std::uint64_t{1'234'999'999},
          std::uint64_t{1'235'000'000}, UINT64_MAX, UINT64_MAX - 1, std::uint64_t{1'235'000'000}})
        EXPECT_EQ(digits.of(number), std::to_string(number));
}

}  // namespace
}  // namespace sockray
