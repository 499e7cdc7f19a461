// The driver's events and the kernel's records: which belong together.
#include "user/correlate/matcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>
#include <vector>

namespace sockray {
namespace {

constexpr std::uint32_t thread_a = 11;
constexpr std::uint32_t thread_b = 22;

// Send `number` of a thread: begun at 1000 * number, returned 100 later; packet_sendmsg lies within.
DriveEvent event(std::uint64_t number, std::uint32_t tid = thread_a, std::int64_t ret = 60, std::int32_t err = 0) {
    return {number, 1000 * number, 1000 * number + 100, ret, tid, err};
}

Send record(std::uint64_t number, std::uint32_t tid = thread_a, std::int64_t ret = 60) {
    Send send;
    send.record.tid = tid;
    send.record.flags = SR_SEND_RETURNED;
    send.record.ret = ret;
    if (ret >= 0) {
        send.record.flags |= SR_SEND_COOKIE;
        send.record.cookie = number;
    }
    send.record.span[SR_SLOT_SENDMSG] = {1000 * number + 20, 1000 * number + 80};
    return send;
}

// Records and events go in, and what is decided comes out.
struct Joined {
    Matcher matcher;
    std::vector<Send> out;

    void events(std::vector<DriveEvent> events) { matcher.add_events(events); }
    void records(std::vector<Send> sends) {
        for (Send& send : sends) matcher.add_send(std::move(send));
    }
    void take(bool all = false) { matcher.take_matched(out, all); }
    // The numbers of what came out, 0 where there is none.
    std::vector<std::uint64_t> numbers() const {
        std::vector<std::uint64_t> numbers;
        for (const Send& send : out) numbers.push_back(send.number.value_or(0));
        return numbers;
    }
};

using Numbers = std::vector<std::uint64_t>;

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

// ---- several sends of one call

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
