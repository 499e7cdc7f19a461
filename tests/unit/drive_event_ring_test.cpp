#include "user/drive/event_ring.h"

#include <gtest/gtest.h>

#include <thread>

namespace sockray {
namespace {

DriveEvent numbered(std::uint64_t number) {
    DriveEvent event;
    event.number = number;
    return event;
}

TEST(DriveEventRing, GivesEventsBackInOrderAndOnce) {
    EventRing ring(4);
    std::vector<DriveEvent> events;
    EXPECT_EQ(ring.drain(events), 0U);
    ring.push(numbered(1));
    ring.push(numbered(2));
    EXPECT_EQ(ring.drain(events), 2U);
    EXPECT_EQ(ring.drain(events), 0U);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].number, 1U);
    EXPECT_EQ(events[1].number, 2U);
}

TEST(DriveEventRing, HasRoomForItsCapacityAndAgainAfterADrain) {
    EventRing ring(4);
    std::vector<DriveEvent> events;
    for (int round = 0; round < 3; ++round) {
        for (std::uint64_t i = 0; i < 4; ++i) {
            ASSERT_TRUE(ring.has_room());
            ring.push(numbered(i));
        }
        EXPECT_FALSE(ring.has_room());
        EXPECT_EQ(ring.drain(events), 4U);
    }
}

TEST(DriveEventRing, LosesNothingBetweenTwoThreads) {
    constexpr std::uint64_t count = 200'000;
    EventRing ring(64);
    std::thread sender([&ring] {
        for (std::uint64_t number = 1; number <= count; ++number) {
            while (!ring.has_room()) std::this_thread::yield();
            ring.push(numbered(number));
        }
    });
    std::vector<DriveEvent> events;
    while (events.size() < count)
        if (ring.drain(events) == 0) std::this_thread::yield();
    sender.join();
    for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(events[i].number, i + 1);
}

}  // namespace
}  // namespace sockray
