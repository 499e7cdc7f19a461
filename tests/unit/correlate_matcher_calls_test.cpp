// The driver's events and the kernel's records: which belong together, where a call is several sends.
#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "tests/unit/correlate_matching.h"

namespace sockray {
namespace {

using namespace sample;

// What a call for the sends `first` to `last` made: events that share its times. `failed`: its last one was refused.
std::vector<DriveEvent> call_of(std::uint64_t first, std::uint64_t last, bool failed = false, std::int32_t err = 0) {
    std::vector<DriveEvent> events;
    for (std::uint64_t number = first; number <= last; number++)
        events.push_back({number, 1000 * first, 1000 * last + 100, 60, thread_a, 0});
    if (failed) {
        events.back().ret = -1;
        events.back().err = err;
    }
    return events;
}

// A record without a number, as of a frame from a file.
Send plain(std::uint64_t number, std::int64_t ret = 60) {
    Send send = record(number, thread_a, ret);
    send.record.flags &= ~static_cast<unsigned>(SR_SEND_COOKIE);
    return send;
}

TEST(TheMatcher, JoinsSeveralSendsOfOneCallByTheirNumbers) {
    Joined joined;
    joined.events(call_of(1, 3));
    joined.events(call_of(4, 5));
    joined.records({record(1), record(2), record(3), record(4), record(5)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2, 3, 4, 5}));
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, SkipsASendOfACallWhoseRecordWasLost) {
    Joined joined;
    joined.events(call_of(1, 4));
    joined.records({record(2), record(4)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{2, 4}));
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, JoinsTheSendAtWhichACallStoppedWhoseErrnoNobodyWasTold) {
    Joined joined;
    joined.events(call_of(1, 3, true));
    joined.records({record(1), record(2), plain(3, -ENOBUFS)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2, 3}));
}

TEST(TheMatcher, JoinsTheFailedSendOfACallWithTheLastEventWhateverElseWasLost) {
    for (const std::int32_t err : {0, ENOBUFS}) {
        Joined joined;
        joined.events(call_of(1, 5, true, err));
        joined.records({plain(5, -ENOBUFS)});
        joined.take();
        EXPECT_EQ(joined.numbers(), Numbers{5});
    }
}

TEST(TheMatcher, JoinsAnInterruptedSendOfACallOfWhichNobodyWasTold) {
    Joined joined;
    joined.events(call_of(1, 2, true));
    joined.records({record(1), plain(2, -512)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2}));
}

TEST(TheMatcher, KnowsThatACallThatSucceededHasNoFailedSend) {
    Joined joined;
    joined.events(call_of(1, 2));
    joined.records({record(1), plain(2, -ENOBUFS)});
    joined.take(true);
    EXPECT_EQ(joined.numbers(), (Numbers{1, 0}));
    EXPECT_EQ(joined.matcher.contradicted(), 1U);
}

TEST(TheMatcher, JoinsSendsWithoutNumbersByTheirOrderWhenAllOfTheCallAreThere) {
    Joined joined;
    joined.events(call_of(1, 3));
    joined.events(call_of(4, 6, true));
    joined.records({plain(1), plain(2)});
    joined.take();
    EXPECT_TRUE(joined.out.empty()) << "the third may still come, and then these are the first two";
    joined.records({plain(3), plain(4), plain(5), plain(6, -EMSGSIZE)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, DoesNotGuessWhichSendOfACallWasLost) {
    Joined joined;
    joined.events(call_of(1, 3));
    joined.events(call_of(4, 5));
    joined.records({plain(1), plain(3), plain(4), plain(5)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{0, 0, 4, 5}));
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, DoesNotGuessAtTheEndEither) {
    Joined joined;
    joined.events(call_of(1, 3));
    joined.records({plain(1), plain(2)});
    joined.take();
    EXPECT_TRUE(joined.out.empty());
    joined.take(true);
    EXPECT_EQ(joined.numbers(), (Numbers{0, 0}));
}

TEST(TheMatcher, JoinsSendsWithoutNumbersOneACallByTheirTime) {
    Joined joined;
    joined.events({event(1), event(2), event(3)});
    joined.records({plain(1), plain(3)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 3}));
}

}  // namespace
}  // namespace sockray
