// Sends and what became of their frames behind their return, put together again.
#include "user/correlate/flights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/correlate_joined.h"
#include "tests/unit/correlate_records.h"
#include "user/correlate/outcome.h"
#include "user/correlate/receivers.h"

namespace sockray {
namespace {

using namespace sample;

// ---- one frame

TEST(Flights, LetASendThroughThatWasNotFollowed) {
    Joined joined(true);
    joined.send(taken());
    joined.send(not_at_the_driver());
    joined.send(failed_in_xmit(105));
    EXPECT_EQ(joined.done.size(), 3U);
    EXPECT_EQ(joined.flights.waiting(), 0U);
    for (const Send& send : joined.done) EXPECT_EQ(send.frame_end, FrameEnd::known);
}

TEST(Flights, LetASendThroughWhoseFrameHadEndedBeforeItReturned) {
    Joined joined;
    sr_send taken_inside = followed(1);
    taken_inside.driver_hits = 1;
    sr_send dropped_inside = followed(2);
    dropped_inside.drops = 1;
    sr_send refused_by_driver = followed(3);
    refused_by_driver.driver_drops = 1;
    for (const sr_send& send : {taken_inside, dropped_inside, refused_by_driver}) joined.send(send);
    EXPECT_EQ(joined.ids(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(Flights, KeepASendUntilADriverHasTakenItsFrame) {
    Joined joined;
    joined.send(followed());
    EXPECT_TRUE(joined.done.empty());
    EXPECT_EQ(joined.flights.waiting(), 1U);
    joined.frame(frame_taken(1, 4000));
    EXPECT_EQ(joined.flights.waiting(), 0U);
    const sr_send& send = joined.only();
    EXPECT_EQ(send.driver_hits, 1U);
    EXPECT_EQ(send.driver_drops, 0U);
    EXPECT_EQ(send.ndo_fn, 0x3000U);
    EXPECT_EQ(send.stage[SR_SLOT_NDO], SR_STAGE_NDO);
    EXPECT_EQ(send.span[SR_SLOT_NDO].start, 4000U);
    EXPECT_EQ(send.span[SR_SLOT_NDO].end, 4050U);
    EXPECT_EQ(send.stage[SR_SLOT_DEQUEUE], SR_STAGE_DEQUEUE);
    EXPECT_EQ(send.span[SR_SLOT_DEQUEUE].start, 3900U);
    EXPECT_EQ(send.span[SR_SLOT_DEQUEUE].end, 3900U);
    EXPECT_EQ(outcome_of(joined.done[0]), "delivered");
}

TEST(Flights, KeepAFrameUntilItsSendHasCome) {
    Joined joined;
    joined.frame(frame_taken(1, 4000));
    EXPECT_TRUE(joined.done.empty());
    EXPECT_EQ(joined.flights.waiting(), 0U) << "that is of sends";
    joined.send(followed());
    EXPECT_EQ(joined.only().driver_hits, 1U);
    EXPECT_EQ(joined.only().span[SR_SLOT_NDO].start, 4000U);
    EXPECT_EQ(outcome_of(joined.done[0]), "delivered");
}

TEST(Flights, GiveAFrameToItsOwnSendOnly) {
    Joined joined;
    joined.send(followed(10));
    joined.send(followed(11));
    joined.frame(frame_taken(11));
    joined.frame(frame_taken(12));
    EXPECT_EQ(joined.ids(), (std::vector<std::uint64_t>{11}));
    EXPECT_EQ(joined.flights.waiting(), 1U);
    joined.send(followed(12));
    EXPECT_EQ(joined.ids(), (std::vector<std::uint64_t>{11, 12}));
}

// The records of the kernel side are complete as they are: what was seen inside the send stays.
TEST(Flights, KeepTheTimesThatTheSendItselfSaw) {
    Joined joined;
    sr_send send = followed();
    pass(send, SR_SLOT_DEQUEUE, Stage::dequeue, 1450, 1450);
    pass(send, SR_SLOT_NDO, Stage::ndo, 1460, 1470);
    send.ndo_fn = 0x9000;
    joined.send(send);
    joined.frame(frame_taken(1, 4000));
    EXPECT_EQ(joined.only().span[SR_SLOT_DEQUEUE].start, 1450U);
    EXPECT_EQ(joined.only().span[SR_SLOT_NDO].start, 1460U);
    EXPECT_EQ(joined.only().ndo_fn, 0x9000U);
    EXPECT_EQ(joined.only().driver_hits, 1U);
}

TEST(Flights, LeaveTheDequeueEmptyWhereItWasNotSeen) {
    Joined joined;
    joined.send(followed());
    sr_frame frame = frame_taken(1);
    frame.dequeued = 0;
    joined.frame(frame);
    EXPECT_EQ(joined.only().stage[SR_SLOT_DEQUEUE], SR_STAGE_NONE);
    EXPECT_EQ(joined.only().span[SR_SLOT_DEQUEUE].start, 0U);
}

TEST(Flights, TellOfADropAfterTheReturn) {
    for (const std::uint32_t in_driver : {0U, 1U}) {
        Joined joined;
        joined.send(followed());
        sr_frame frame = frame_dropped(1, 4000);
        frame.in_driver = in_driver;
        joined.frame(frame);
        const sr_send& send = joined.only();
        EXPECT_TRUE(send.flags & SR_SEND_DROP);
        EXPECT_EQ(send.drops, 1U);
        EXPECT_EQ(send.drop_reason, 5U);
        EXPECT_EQ(send.drop_location, 0x1000U);
        EXPECT_EQ(send.drop_ns, 4000U);
        EXPECT_EQ(send.drop_in_driver, in_driver);
        EXPECT_EQ(outcome_of(joined.done[0]), "dropped");
    }
}

TEST(Flights, TellOfADropByTheDriversReturnValue) {
    Joined joined;
    joined.send(followed());
    joined.frame(frame_taken(1, 4000, 1));
    EXPECT_EQ(joined.only().driver_hits, 0U);
    EXPECT_EQ(joined.only().driver_drops, 1U);
    EXPECT_EQ(joined.only().driver_ret, 1);
    EXPECT_EQ(outcome_of(joined.done[0]), "dropped");
}

TEST(Flights, TellOfAFrameThatWasConsumedBeforeADriverHadIt) {
    Joined joined;
    joined.send(followed());
    joined.frame(frame(1, SR_FRAME_CONSUMED));
    EXPECT_EQ(joined.only().drops, 0U);
    EXPECT_FALSE(joined.only().flags & SR_SEND_DROP);
    EXPECT_EQ(joined.done[0].frames_consumed, 1U);
    EXPECT_EQ(joined.done[0].frame_end, FrameEnd::known);
    EXPECT_EQ(outcome_of(joined.done[0]), "unknown");
}

// ---- segments

TEST(Flights, KeepASegmentedSendUntilEverySegmentHasEnded) {
    for (const bool send_first : {true, false}) {
        Joined joined;
        if (send_first) joined.send(followed());
        joined.frame(frame_segmented(1, 3));
        joined.frame(frame_taken(1, 4000));
        joined.frame(frame_taken(1, 4100));
        if (!send_first) joined.send(followed());
        EXPECT_TRUE(joined.done.empty());
        EXPECT_EQ(joined.flights.waiting(), 1U);
        joined.frame(frame_taken(1, 4200));
        EXPECT_EQ(joined.only().segments, 3U);
        EXPECT_EQ(joined.only().driver_hits, 3U);
        EXPECT_EQ(joined.only().span[SR_SLOT_NDO].start, 4000U) << "of the first";
        EXPECT_EQ(outcome_of(joined.done[0]), "delivered");
    }
}

TEST(Flights, CountTheSegmentsThatTheSendItselfSaw) {
    Joined joined;
    sr_send send = followed();
    send.segments = 3;
    send.driver_hits = 1;
    send.drops = 1;
    joined.send(send);
    EXPECT_TRUE(joined.done.empty());
    joined.frame(frame_taken(1));
    EXPECT_EQ(joined.only().driver_hits, 2U);
}

// The record that says how many there are found no room: each segment's says it too.
TEST(Flights, AreNotTakenForCompleteBecauseTheFirstOfSeveralSegmentsHasEnded) {
    Joined joined;
    joined.send(followed());
    sr_frame first = frame_taken(1, 4000);
    first.segments = 3;
    joined.frame(first);
    EXPECT_TRUE(joined.done.empty());
    joined.finish();
    ASSERT_EQ(joined.done.size(), 1U);
    EXPECT_EQ(outcome_of(joined.done[0]), "unknown");
    EXPECT_EQ(joined.only().segments, 3U);
}

TEST(Flights, EndASegmentedSendWithSomeSegmentsDropped) {
    Joined joined;
    joined.send(followed());
    joined.frame(frame_segmented(1, 5));
    joined.frame(frame_taken(1, 4000));
    joined.frame(frame_dropped(1, 4060));
    joined.frame(frame_dropped(1, 4070));
    joined.frame(frame_taken(1, 4100, 1));
    EXPECT_TRUE(joined.done.empty());
    joined.frame(frame(1, SR_FRAME_CONSUMED));
    const sr_send& send = joined.only();
    EXPECT_EQ(send.driver_hits, 1U);
    EXPECT_EQ(send.drops, 2U);
    EXPECT_EQ(send.driver_drops, 1U);
    EXPECT_EQ(send.drop_ns, 4060U) << "of the first drop";
    EXPECT_EQ(joined.done[0].frames_consumed, 1U);
    const Verdict verdict = judge(joined.done[0], plan(), Names());
    EXPECT_EQ(verdict.outcome, Outcome::dropped);
    EXPECT_TRUE(verdict.reason.starts_with(
        "3 of 5 segments: the tbf qdisc of veth0, or one below it, dropped the frame (QDISC_DROP"))
        << verdict.reason;
}

// ---- the end of tracing

TEST(Flights, TellAtTheEndWhatIsQueuedFromWhatWasLost) {
    Joined joined;
    for (const std::uint64_t id : {20, 21, 22}) joined.send(followed(id));
    joined.frame(frame_taken(20));
    joined.finish({22, 99});
    ASSERT_EQ(joined.ids(), (std::vector<std::uint64_t>{20, 21, 22}));
    EXPECT_EQ(joined.done[0].frame_end, FrameEnd::known);
    EXPECT_EQ(joined.done[1].frame_end, FrameEnd::lost);
    EXPECT_EQ(joined.done[2].frame_end, FrameEnd::queued);
    EXPECT_EQ(outcome_of(joined.done[0]), "delivered");
    EXPECT_EQ(outcome_of(joined.done[1]), "unknown");
    EXPECT_EQ(outcome_of(joined.done[2]), "queued");
    EXPECT_EQ(joined.flights.waiting(), 0U);
}

// A receiver may hold the skb for ever: that the driver took it is known all the same.
TEST(Flights, LeaveASendDeliveredWhoseSkbWasNotFreedBeforeTheEnd) {
    for (const bool under_way : {true, false}) {
        Joined joined(true);
        joined.send(followed());
        joined.frame(frame_taken(1));
        EXPECT_TRUE(joined.done.empty());
        joined.finish(under_way ? std::vector<std::uint64_t>{1} : std::vector<std::uint64_t>{});
        ASSERT_EQ(joined.done.size(), 1U);
        EXPECT_EQ(outcome_of(joined.done[0]), "delivered");
    }
}

TEST(Flights, KeepWhatIsKnownOfSegmentsThatAreStillQueuedAtTheEnd) {
    Joined joined;
    joined.send(followed());
    joined.frame(frame_segmented(1, 4));
    joined.frame(frame_taken(1));
    joined.finish({1, 1, 1});
    ASSERT_EQ(joined.done.size(), 1U);
    const Verdict verdict = judge(joined.done[0], plan(), Names());
    EXPECT_EQ(verdict.outcome, Outcome::queued);
    EXPECT_TRUE(verdict.reason.starts_with("3 of 4 segments: still in the tbf qdisc")) << verdict.reason;
}

TEST(Flights, EndInTheOrderInWhichTheSendsWereRead) {
    Joined joined;
    joined.send(taken());
    std::vector<std::uint64_t> ids;
    for (std::uint64_t i = 0; i < 1000; i++) ids.push_back((i * 7919) % 1009 + 5000);
    for (const std::uint64_t id : ids) joined.send(followed(id));
    joined.finish();
    ASSERT_EQ(joined.done.size(), 1001U);
    EXPECT_TRUE(std::is_sorted(joined.done.begin(), joined.done.end(),
                               [](const Send& a, const Send& b) { return a.id < b.id; }));
    std::vector<std::uint64_t> got = joined.ids();
    got.erase(got.begin());
    EXPECT_EQ(got, ids) << "not by the kernel side's own numbers";
}

TEST(Flights, LeaveWhatWasDoneBeforeTheEndInItsPlace) {
    Joined joined;
    joined.send(followed(1));
    joined.send(followed(2));
    joined.send(followed(3));
    joined.frame(frame_taken(3));
    joined.finish();
    EXPECT_EQ(joined.ids(), (std::vector<std::uint64_t>{3, 1, 2}));
}

TEST(Flights, EndTwiceWithoutHarmAndForgetFramesWhoseSendsNeverCame) {
    Joined joined;
    joined.frame(frame_taken(1));
    joined.finish();
    EXPECT_TRUE(joined.done.empty());
    joined.finish();
    joined.send(followed(1));
    EXPECT_TRUE(joined.done.empty()) << "the frame went with the end";
    joined.finish();
    EXPECT_EQ(joined.done.size(), 1U);
}

// Frames of sends whose records were lost: they cost memory up to a limit, and no send its end.
TEST(Flights, EndureManyFramesWhoseSendsNeverCome) {
    Joined joined;
    joined.send(followed(1));
    for (std::uint64_t id = 2; id < 400'000; id++) joined.frame(frame_taken(id));
    joined.frame(frame_taken(1));
    EXPECT_EQ(joined.ids(), (std::vector<std::uint64_t>{1}));
}

}  // namespace
}  // namespace sockray
