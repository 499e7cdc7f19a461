// The driver's events and the kernel's records: which belong together, where a call is one send.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>
#include <vector>

#include "tests/unit/correlate_matching.h"

namespace sockray {
namespace {

using namespace sample;

TEST(TheMatcher, JoinsRecordsAndEventsInOrder) {
    Joined joined;
    joined.events({event(1), event(2), event(3)});
    joined.records({record(1), record(2), record(3)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2, 3}));
    EXPECT_EQ(joined.matcher.driven(), 3U);
    EXPECT_EQ(joined.matcher.correlated(), 3U);
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, HoldsARecordBackUntilItsEventComes) {
    Joined joined;
    joined.records({record(1), record(2)});
    joined.take();
    EXPECT_TRUE(joined.out.empty());
    joined.events({event(1)});
    joined.take();
    EXPECT_EQ(joined.numbers(), Numbers{1});
    joined.events({event(2)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2}));
}

TEST(TheMatcher, ForgetsEventsThatNoRecordAsksForAndJoinsThoseThatFollow) {
    Joined joined;
    joined.events({event(1), event(2), event(3)});
    joined.take();
    joined.matcher.forget_events_before(3000);  // the call of the third has ended behind it
    joined.records({record(3)});
    joined.take();
    joined.events({event(4), event(5)});
    joined.records({record(5)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{3, 5}));
    EXPECT_EQ(joined.matcher.driven(), 5U);
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, KeepsOldEventsWhileARecordWaits) {
    Joined joined;
    joined.records({record(2)});
    joined.events({event(1), event(2)});
    joined.matcher.forget_events_before(1'000'000);
    joined.take();
    EXPECT_EQ(joined.numbers(), Numbers{2});
}

TEST(TheMatcher, GivesBackWhatStillWaitsAtTheEnd) {
    Joined joined;
    joined.events({event(1)});
    joined.records({record(1), record(2)});
    joined.take(true);
    EXPECT_EQ(joined.numbers(), (Numbers{1, 0}));
    EXPECT_EQ(joined.matcher.correlated(), 1U);
    joined.take(true);
    EXPECT_EQ(joined.out.size(), 2U);
}

TEST(TheMatcher, HandsTheSendOnAsItWasGiven) {
    Joined joined;
    Send send = record(1);
    send.id = 99;
    send.outcome = Outcome::queued;
    send.reason = "in the qdisc";
    joined.events({event(1)});
    joined.records({send});
    joined.take();
    ASSERT_EQ(joined.out.size(), 1U);
    EXPECT_EQ(joined.out[0].id, 99U);
    EXPECT_EQ(joined.out[0].outcome, Outcome::queued);
    EXPECT_EQ(joined.out[0].reason, "in the qdisc");
}

TEST(TheMatcher, SkipsEventsWhoseRecordsWereLost) {
    Joined joined;
    joined.events({event(1), event(2), event(3), event(4)});
    joined.records({record(1), record(4)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 4}));
    EXPECT_EQ(joined.matcher.driven(), 4U);
    EXPECT_EQ(joined.matcher.correlated(), 2U);
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, LetsARecordGoWhoseEventWasLost) {
    Joined joined;
    joined.events({event(1), event(3)});
    joined.records({record(1), record(2), record(3)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 0, 3}));
    EXPECT_EQ(joined.matcher.correlated(), 2U);
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, LetsSendsGoThatAThreadMadeBeforeTheDriversFirst) {
    Joined joined;
    joined.events({event(5)});
    joined.records({record(2), record(5)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{0, 5}));
}

TEST(TheMatcher, JoinsAFailedSendWithoutANumberByItsTime) {
    Joined joined;
    joined.events({event(1), event(2, thread_a, -1, ENETDOWN), event(3)});
    joined.records({record(1), record(2, thread_a, -ENETDOWN), record(3)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2, 3}));
}

TEST(TheMatcher, JoinsAFailedSendBehindLostOnesByItsTime) {
    Joined joined;
    joined.events({event(1), event(2, thread_a, -1, ENETDOWN), event(3, thread_a, -1, ENETDOWN)});
    joined.records({record(3, thread_a, -ENETDOWN)});
    joined.take();
    EXPECT_EQ(joined.numbers(), Numbers{3});
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, DoesNotJoinANumberThatIsNotTheEvents) {
    Joined joined;
    joined.events({event(1)});
    Send send = record(1);
    send.record.cookie = 7;
    joined.records({send});
    joined.take();
    EXPECT_EQ(joined.numbers(), Numbers{0});
    EXPECT_EQ(joined.matcher.correlated(), 0U);
    EXPECT_EQ(joined.matcher.contradicted(), 1U);
}

TEST(TheMatcher, DoesNotJoinAResultThatIsNotTheEvents) {
    Joined joined;
    joined.events(
        {event(1, thread_a, 59), event(2, thread_a, -1, ENOBUFS), event(3, thread_a, -1, ENETDOWN), event(4)});
    joined.records({record(1), record(2), record(3, thread_a, -ENOBUFS), record(4, thread_a, -ENOBUFS)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{0, 0, 0, 0}));
    EXPECT_EQ(joined.matcher.contradicted(), 4U);
}

TEST(TheMatcher, DoesNotJoinARecordThatEndsBehindTheEvent) {
    Joined joined;
    joined.events({event(1)});
    Send send = record(1);
    send.record.span[SR_SLOT_SENDMSG].end = 1101;
    joined.records({send});
    joined.take();
    EXPECT_EQ(joined.matcher.contradicted(), 1U);
}

TEST(TheMatcher, GoesOnBehindAContradiction) {
    Joined joined;
    joined.events({event(1), event(2)});
    Send wrong = record(1);
    wrong.record.cookie = 7;
    joined.records({wrong, record(2)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{0, 2}));
}

TEST(TheMatcher, JoinsASendWhoseReturnWasSkippedWhateverItsResult) {
    Joined joined;
    Send send = record(1);
    send.record.flags = SR_SEND_COOKIE;
    send.record.ret = 0;
    send.record.span[SR_SLOT_SENDMSG].end = 0;
    joined.events({event(1)});
    joined.records({send});
    joined.take();
    EXPECT_EQ(joined.numbers(), Numbers{1});
}

TEST(TheMatcher, KnowsThatErestartsysInsideTheKernelIsEintrOutside) {
    Joined joined;
    joined.events({event(1, thread_a, -1, EINTR), event(2, thread_a, -1, EINTR), event(3, thread_a, -1, EAGAIN)});
    joined.records({record(1, thread_a, -512), record(2, thread_a, -EINTR), record(3, thread_a, -512)});
    joined.take();
    EXPECT_EQ(joined.numbers(), (Numbers{1, 2, 0}));  // the third was begun again, and its record is still to come
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

// A call that a signal without a handler interrupts (SIGSTOP and SIGCONT) begins again inside of the same system call:
// two records, one event, and the second is the one that sent the frame.
TEST(TheMatcher, JoinsACallThatTheKernelRestartedWithItsLastRecord) {
    Joined joined;
    joined.events({event(1)});
    Send interrupted = record(1, thread_a, -512);
    interrupted.record.span[SR_SLOT_SENDMSG] = {1020, 1040};
    Send again = record(1);
    again.record.span[SR_SLOT_SENDMSG] = {1050, 1080};
    joined.records({interrupted, again});
    joined.take(true);
    EXPECT_EQ(joined.numbers(), (Numbers{0, 1}));
    EXPECT_EQ(joined.matcher.correlated(), 1U);
    EXPECT_EQ(joined.matcher.contradicted(), 0U);
}

TEST(TheMatcher, KeepsThreadsApart) {
    Joined joined;
    joined.events({event(1, thread_a), event(2, thread_b), event(3, thread_a), event(4, thread_b)});
    joined.records({record(2, thread_b), record(1, thread_a), record(4, thread_b), record(3, thread_a)});
    joined.take();
    EXPECT_EQ(joined.matcher.correlated(), 4U);
    Numbers numbers = joined.numbers();
    std::sort(numbers.begin(), numbers.end());
    EXPECT_EQ(numbers, (Numbers{1, 2, 3, 4}));
}

TEST(TheMatcher, DoesNotJoinTheNumberOfAnotherThread) {
    Joined joined;
    joined.events({event(1, thread_a)});
    joined.records({record(1, thread_b)});
    joined.take(true);
    EXPECT_EQ(joined.numbers(), Numbers{0});
    EXPECT_EQ(joined.matcher.correlated(), 0U);
}

TEST(TheMatcher, OneThreadThatWaitsHoldsNoOtherUp) {
    Joined joined;
    joined.events({event(2, thread_b)});
    joined.records({record(1, thread_a), record(2, thread_b)});
    joined.take();
    EXPECT_EQ(joined.numbers(), Numbers{2});
}

// Whatever is lost on either side and however it arrives in pieces: what is joined is joined rightly, what was there on
// both sides is joined, and every record comes out once.
TEST(TheMatcher, JoinsExactlyWhatBothSidesHave) {
    for (std::uint64_t seed = 1; seed <= 200; seed++) {
        std::mt19937_64 random(seed);
        Joined joined;
        std::uint64_t both = 0;
        std::uint64_t records = 0;
        std::uint64_t events = 0;
        for (std::uint64_t number = 1; number <= 500; number++) {
            const std::uint32_t tid = random() % 3 ? thread_a : thread_b;
            const bool fails = random() % 5 == 0;
            const bool has_event = random() % 10 != 0;
            const bool has_record = random() % 10 != 0;
            if (has_event) joined.events({event(number, tid, fails ? -1 : 60, fails ? ENOBUFS : 0)});
            if (has_record) {
                Send send = record(number, tid, fails ? -ENOBUFS : 60);
                send.id = number;
                joined.records({send});
            }
            both += has_event && has_record;
            records += has_record;
            events += has_event;
            if (random() % 7 == 0) joined.take();
        }
        joined.take(true);
        ASSERT_EQ(joined.out.size(), records) << seed;
        ASSERT_EQ(joined.matcher.driven(), events) << seed;
        ASSERT_EQ(joined.matcher.correlated(), both) << seed;
        ASSERT_EQ(joined.matcher.contradicted(), 0U) << seed;
        std::map<std::uint32_t, std::uint64_t> last;
        for (const Send& send : joined.out) {
            ASSERT_EQ(send.number.value_or(send.id), send.id) << seed;
            ASSERT_GT(send.id, last[send.record.tid]) << "in the order of each thread, seed " << seed;
            last[send.record.tid] = send.id;
        }
    }
}

}  // namespace
}  // namespace sockray
