// Sends and what became of their frames behind their return, put together again.
#include "user/correlate/flights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "user/correlate/outcome.h"
#include "user/correlate/receivers.h"

namespace sockray {
namespace {

using namespace sample;

// With everything that came out of it.
struct Joined {
    explicit Joined(bool until_freed = false) : flights(until_freed) {}

    void send(const sr_send& record) {
        Send made = send_of(record);
        made.id = ++sends;
        if (flights.is_done(made, done)) done.push_back(std::move(made));
    }
    void frame(const sr_frame& frame) { flights.add(frame, done); }
    void finish(const std::vector<std::uint64_t>& under_way = {}) { flights.finish(under_way, done); }
    const sr_send& only() const {
        EXPECT_EQ(done.size(), 1U);
        static const sr_send nothing{};
        return done.size() == 1 ? done[0].record : nothing;
    }
    std::vector<std::uint64_t> ids() const {
        std::vector<std::uint64_t> ids;
        for (const Send& send : done) ids.push_back(send.record.id);
        return ids;
    }

    std::uint64_t sends = 0;
    Flights flights;
    std::vector<Send> done;
};

std::string outcome_of(const Send& send) {
    return std::string(outcome_name(judge(send, plan(), Names()).outcome));
}

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
    EXPECT_TRUE(verdict.reason.starts_with("3 of 5 segments: the tbf qdisc of veth0 dropped the frame (QDISC_DROP"))
        << verdict.reason;
}

// ---- until the skb is freed

TEST(Flights, WaitForTheEndOfTheSkbWhereThatIsTraced) {
    for (const bool send_first : {true, false}) {
        Joined joined(true);
        if (send_first) joined.send(followed());
        joined.frame(frame_taken(1, 4000));
        joined.frame(frame_received(1, SR_RECEIVED_FULL));
        if (!send_first) joined.send(followed());
        EXPECT_TRUE(joined.done.empty());
        joined.frame(frame(1, SR_FRAME_FREED, 6000));
        const sr_send& send = joined.only();
        EXPECT_EQ(send.frees, 1U);
        EXPECT_EQ(send.freed_reason, 0U);
        EXPECT_EQ(send.stage[SR_SLOT_FREED], SR_STAGE_FREED);
        EXPECT_EQ(send.span[SR_SLOT_FREED].start, 6000U);
        EXPECT_EQ(send.span[SR_SLOT_FREED].end, 6000U);
        EXPECT_EQ(send.driver_hits, 1U);
    }
}

// A driver may free the frame before it returns.
TEST(Flights, TakeTheEndOfTheSkbBeforeTheReturnOfTheDriver) {
    Joined joined(true);
    joined.send(followed());
    joined.frame(frame(1, SR_FRAME_FREED));
    EXPECT_TRUE(joined.done.empty());
    joined.frame(frame_taken(1));
    EXPECT_EQ(joined.only().driver_hits, 1U);
}

TEST(Flights, WaitForNoSecondEndOfAFrameThatNoDriverTook) {
    Joined joined(true);
    for (const std::uint64_t id : {1, 2}) joined.send(followed(id));
    joined.frame(frame_dropped(1));
    joined.frame(frame(2, SR_FRAME_CONSUMED));
    EXPECT_EQ(joined.ids(), (std::vector<std::uint64_t>{1, 2}));
}

TEST(Flights, TellWhyTheFrameWasFreed) {
    Joined joined(true);
    joined.send(followed());
    joined.frame(frame_taken(1));
    sr_frame freed = frame(1, SR_FRAME_FREED);
    freed.drop_reason = 7;
    joined.frame(freed);
    EXPECT_EQ(joined.only().freed_reason, 7U);
    EXPECT_FALSE(joined.only().flags & SR_SEND_DROP) << "what its receiver did is no drop of the send";
    EXPECT_EQ(outcome_of(joined.done[0]), "delivered");
}

TEST(Flights, NameTheFirstReceiverAndCountThemAll) {
    Joined joined(true);
    joined.send(followed());
    joined.frame(frame_taken(1));
    joined.frame(frame_received(1, SR_RECEIVED_FILTERED, 800));
    joined.frame(frame_received(1, SR_RECEIVED_TAKEN, 801));
    joined.frame(frame(1, SR_FRAME_FREED));
    const sr_send& send = joined.only();
    EXPECT_EQ(send.receivers, 2U);
    EXPECT_EQ(send.received_ino, 800U);
    EXPECT_EQ(send.received, static_cast<std::uint32_t>(SR_RECEIVED_FILTERED));
    EXPECT_EQ(send.stage[SR_SLOT_RECEIVE], SR_STAGE_TPACKET_RCV);
    EXPECT_EQ(send.span[SR_SLOT_RECEIVE].start, 4500U);
}

// Those of an open send are counted in its record.
TEST(Flights, KeepEachReceiverBehindTheFirstUpToABound) {
    Joined joined(true);
    sr_frame also = frame_received(1, SR_RECEIVED_FULL, 801);
    also.kind = SR_FRAME_ALSO_RECEIVED;
    joined.frame(also);
    sr_send open = followed();
    open.receivers = 2;
    open.received_ino = 800;
    open.received = SR_RECEIVED_TAKEN;
    open.stage[SR_SLOT_RECEIVE] = SR_STAGE_PACKET_RCV;
    open.span[SR_SLOT_RECEIVE] = {4400, 4400};
    joined.send(open);
    joined.frame(frame_taken(1));
    for (std::uint64_t i = 0; i < 20; i++) joined.frame(frame_received(1, SR_RECEIVED_TAKEN, 900 + i));
    joined.frame(frame(1, SR_FRAME_FREED));
    EXPECT_EQ(joined.only().receivers, 22U);
    const std::vector<FrameReceiver> all = receivers_of(joined.done[0]);
    ASSERT_EQ(all.size(), 1U + SR_RECEIVERS_MOST);
    EXPECT_EQ(all[0], (FrameReceiver{800, 4400, SR_RECEIVED_TAKEN, SR_STAGE_PACKET_RCV}));
    EXPECT_EQ(all[1], (FrameReceiver{801, 4500, SR_RECEIVED_FULL, SR_STAGE_TPACKET_RCV}));
    EXPECT_EQ(all[2].socket_ino, 900U);
    EXPECT_EQ(unnamed_receivers(joined.done[0]), 5U);
    EXPECT_EQ(list_receivers(joined.done[0], 0, 2), "800 taken, 801 full, 20 more");
    EXPECT_EQ(list_receivers(joined.done[0], 1, 1), "801 full, 20 more");
    EXPECT_EQ(list_receivers(Send{}, 0, 2), "");
}

TEST(Flights, WaitForTheEndOfEverySegment) {
    Joined joined(true);
    joined.send(followed());
    joined.frame(frame_segmented(1, 3));
    joined.frame(frame_taken(1, 4000));
    joined.frame(frame_taken(1, 4100));
    joined.frame(frame_dropped(1));
    joined.frame(frame(1, SR_FRAME_FREED, 6000));
    EXPECT_TRUE(joined.done.empty());
    joined.frame(frame(1, SR_FRAME_FREED, 7000));
    EXPECT_EQ(joined.only().frees, 2U);
    EXPECT_EQ(joined.only().span[SR_SLOT_FREED].start, 6000U) << "of the first";
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

// ---- any order

using Record = std::variant<sr_send, sr_frame>;

// One send and what became of its frame, as the kernel side would tell it; `ended` where nothing is missing.
struct Story {
    sr_send send{};
    std::vector<sr_frame> frames;
    bool ended = true;
};

Story random_story(std::uint64_t id, bool until_freed, std::mt19937_64& random) {
    const auto any = [&](std::uint64_t most) { return random() % (most + 1); };
    Story story;
    story.send = followed(id);
    std::uint64_t frames = 1;
    if (any(2) == 0) {
        frames = 2 + any(4);
        if (any(1))
            story.send.segments = static_cast<std::uint32_t>(frames);
        else
            story.frames.push_back(frame_segmented(id, static_cast<std::uint32_t>(frames)));
    }
    std::vector<sr_frame> ends;
    for (std::uint64_t i = 0; i < frames; i++) {
        const std::uint64_t ns = 4000 + 100 * i + any(50);
        switch (any(3)) {
            case 0: ends.push_back(frame_dropped(id, ns)); break;
            case 1: ends.push_back(frame(id, SR_FRAME_CONSUMED, ns)); break;
            default:
                ends.push_back(frame_taken(id, ns, any(4) == 0 ? 1 : 0));
                if (!until_freed) break;
                for (std::uint64_t receivers = any(2); receivers > 0; receivers--)
                    ends.push_back(frame_received(id, 1 + static_cast<std::uint32_t>(any(2)), 700 + any(9)));
                ends.push_back(frame(id, SR_FRAME_FREED, ns + 60));
                break;
        }
    }
    if (any(4) == 0) {
        story.ended = false;
        ends.resize(any(ends.size() - 1));
    }
    story.frames.insert(story.frames.end(), ends.begin(), ends.end());
    return story;
}

// Frames of one send stay in their order, as one ring keeps them; the send's own record comes anywhere among them.
std::vector<Record> shuffled(const std::vector<Story>& stories, std::mt19937_64& random) {
    std::vector<std::vector<Record>> queues;
    for (const Story& story : stories) {
        std::vector<Record> queue(story.frames.begin(), story.frames.end());
        queue.insert(queue.begin() + static_cast<std::ptrdiff_t>(random() % (queue.size() + 1)), story.send);
        std::ranges::reverse(queue);
        queues.push_back(std::move(queue));
    }
    std::vector<Record> order;
    while (!queues.empty()) {
        auto& queue = queues[random() % queues.size()];
        order.push_back(queue.back());
        queue.pop_back();
        if (queue.empty()) queues.erase(queues.begin() + (&queue - queues.data()));
    }
    return order;
}

struct Result {
    std::string bytes;
    FrameEnd end = FrameEnd::known;
    std::uint32_t consumed = 0;
    bool operator==(const Result&) const = default;
};

std::map<std::uint64_t, Result> results_of(const std::vector<Record>& order, bool until_freed,
                                           const std::vector<std::uint64_t>& under_way) {
    Joined joined(until_freed);
    for (const Record& record : order) {
        if (const auto* send = std::get_if<sr_send>(&record)) joined.send(*send);
        if (const auto* frame = std::get_if<sr_frame>(&record)) joined.frame(*frame);
    }
    joined.finish(under_way);
    EXPECT_EQ(joined.flights.waiting(), 0U);
    std::map<std::uint64_t, Result> results;
    for (const Send& send : joined.done) {
        Result result{std::string(sizeof send.record, '\0'), send.frame_end, send.frames_consumed};
        std::memcpy(result.bytes.data(), &send.record, sizeof send.record);
        EXPECT_TRUE(results.emplace(send.record.id, result).second) << send.record.id << " came out twice";
    }
    return results;
}

TEST(Flights, GiveTheSameResultInWhateverOrderTheRecordsCome) {
    std::mt19937_64 random(11);
    for (int round = 0; round < 300; round++) {
        const bool until_freed = round % 2 == 1;
        std::vector<Story> stories;
        std::vector<Record> in_order;
        std::vector<std::uint64_t> under_way;
        for (std::uint64_t id = 1; id <= 20; id++) {
            stories.push_back(random_story(id << 16 | id % 3, until_freed, random));
            in_order.emplace_back(stories.back().send);
            in_order.insert(in_order.end(), stories.back().frames.begin(), stories.back().frames.end());
            if (!stories.back().ended && random() % 2) under_way.push_back(stories.back().send.id);
        }
        const auto expected = results_of(in_order, until_freed, under_way);
        ASSERT_EQ(expected.size(), stories.size()) << "every send comes out once";
        for (const Story& story : stories) {
            const bool queued = std::ranges::find(under_way, story.send.id) != under_way.end();
            const FrameEnd end = story.ended ? FrameEnd::known : queued ? FrameEnd::queued : FrameEnd::lost;
            ASSERT_EQ(expected.at(story.send.id).end, end) << "round " << round;
        }
        for (int order = 0; order < 5; order++)
            ASSERT_EQ(results_of(shuffled(stories, random), until_freed, under_way), expected) << "round " << round;
    }
}

}  // namespace
}  // namespace sockray
