#include "user/drive/pacer.h"

#include <gtest/gtest.h>

namespace sockray {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

TEST(DrivePacer, SendsAreDueAtEqualDistancesFromTheFirst) {
    Pacer pacer(1000);
    EXPECT_EQ(pacer.due_ns(1, 5 * second), 5 * second);
    EXPECT_EQ(pacer.due_ns(2, 5 * second), 5 * second + 1'000'000);
    EXPECT_EQ(pacer.due_ns(1001, 5 * second), 6 * second);
}

TEST(DrivePacer, ARateThatDoesNotDivideASecondDoesNotDrift) {
    Pacer pacer(700'000);
    pacer.due_ns(1, second);
    EXPECT_EQ(pacer.due_ns(700'000ULL * 3600 + 1, second), 3601 * second);
}

TEST(DrivePacer, AShortDelayIsCaughtUp) {
    Pacer pacer(1000);
    pacer.due_ns(1, second);
    pacer.due_ns(2, second + 50'000'000);
    EXPECT_EQ(pacer.due_ns(52, second + 50'000'000), second + 51'000'000) << "the schedule stays where it was";
}

TEST(DrivePacer, AfterALongStallNoMoreThanABurstFollowsAtOnce) {
    Pacer pacer(1000);
    pacer.due_ns(1, second);
    const std::uint64_t now = 11 * second;
    std::uint64_t number = 2;
    while (pacer.due_ns(number, now) <= now) ++number;
    EXPECT_LE(number - 2, Pacer::max_burst + 1);
    EXPECT_GE(number - 2, Pacer::max_burst - 1);
}

TEST(DrivePacer, AHighRateMayCatchUpTenMilliseconds) {
    Pacer pacer(100'000);
    pacer.due_ns(1, second);
    const std::uint64_t now = second + Pacer::max_burst_ns;
    EXPECT_EQ(pacer.due_ns(2, now), second + 10'000);
    EXPECT_EQ(pacer.due_ns(1002, now), now + 10'000) << "the schedule stays where it was";
}

TEST(DrivePacer, TheHighestRateIsOneSendANanosecond) {
    Pacer pacer(Pacer::max_rate);
    pacer.due_ns(1, 100);
    EXPECT_EQ(pacer.due_ns(51, 100), 150U);
}

}  // namespace
}  // namespace sockray
