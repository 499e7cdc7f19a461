// Which records are kept whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "analyze_records.h"
#include "user/analyze/kept_records.h"

namespace sockray {
namespace {

TEST(SlowestSends, KeepsTheSlowestInWhateverOrderTheyCome) {
    std::vector<std::uint64_t> times(1000);
    for (std::size_t i = 0; i < times.size(); i++) times[i] = i * 7;
    std::mt19937 random(1);
    std::shuffle(times.begin(), times.end(), random);
    SlowestSends slowest;
    for (const std::uint64_t ns : times) slowest.add(made::delivered(ns), ns);
    const auto kept = slowest.sorted();
    ASSERT_EQ(kept.size(), SlowestSends::kept);
    for (std::size_t i = 0; i < kept.size(); i++) EXPECT_EQ(kept[i].ns, (999 - i) * 7);
}

TEST(SlowestSends, KeepsTheFirstOfThoseThatTookAsLong) {
    SlowestSends slowest;
    for (std::uint64_t id = 100; id > 0; id--) slowest.add(made::delivered(id), 10);
    const auto kept = slowest.sorted();
    ASSERT_EQ(kept.size(), SlowestSends::kept);
    for (std::size_t i = 0; i < kept.size(); i++) EXPECT_EQ(kept[i].send.id, i + 1);
}

TEST(UndeliveredSends, KeepsTheFirstOfEachReasonAndCountsTheOthers) {
    UndeliveredSends undelivered;
    undelivered.add(made::delivered(1));
    for (std::uint64_t id = 10; id < 15; id++) {
        undelivered.add(made::failed(id));
        undelivered.add(made::dropped(id + 100));
    }
    ASSERT_EQ(undelivered.all().size(), 4U);
    EXPECT_EQ(undelivered.all()[0].id, 10U);
    EXPECT_EQ(undelivered.all()[1].id, 11U);
    EXPECT_EQ(undelivered.all()[2].id, 110U);
    EXPECT_EQ(undelivered.all()[3].id, 111U);
    EXPECT_EQ(undelivered.others(), 6U);
}

TEST(UndeliveredSends, TakesFramesOfEveryLengthForOneReason) {
    UndeliveredSends undelivered;
    for (std::uint64_t id = 1; id <= 5; id++) {
        Send send = made::failed(id);
        send.reason = "EMSGSIZE: " + std::to_string(1514 + id) + " bytes, veth0 takes at most 1514";
        undelivered.add(send);
    }
    undelivered.add(made::failed(6));
    ASSERT_EQ(undelivered.all().size(), 3U);
    EXPECT_EQ(undelivered.all()[1].id, 2U);
    EXPECT_EQ(undelivered.all()[2].id, 6U);
    EXPECT_EQ(undelivered.others(), 3U);
}

TEST(UndeliveredSends, StaysBoundedWithEndlessReasons) {
    UndeliveredSends undelivered;
    for (std::uint64_t id = 1; id <= 1000; id++) {
        Send send = made::failed(id);
        send.reason += std::to_string(id);
        undelivered.add(send);
    }
    EXPECT_EQ(undelivered.all().size(), UndeliveredSends::kept_reasons);
    EXPECT_EQ(undelivered.others(), 1000 - UndeliveredSends::kept_reasons);
}

TEST(FirstSockets, KeepsTheFirstAndCountsTheOthers) {
    FirstSockets sockets;
    for (std::uint64_t id = 1; id <= 150; id++) sockets.add(made::socket(), id);
    EXPECT_EQ(sockets.all().size(), FirstSockets::kept);
    EXPECT_EQ(sockets.all().back().id, FirstSockets::kept);
    EXPECT_EQ(sockets.others(), 150 - FirstSockets::kept);
}

}  // namespace
}  // namespace sockray
