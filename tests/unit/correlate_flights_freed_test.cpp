// Frames that are followed until their skb is freed, and who received them.
#include "user/correlate/flights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/correlate_joined.h"
#include "tests/unit/correlate_records.h"
#include "user/correlate/outcome.h"
#include "user/correlate/receivers.h"

namespace sockray {
namespace {

using namespace sample;

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

}  // namespace
}  // namespace sockray
