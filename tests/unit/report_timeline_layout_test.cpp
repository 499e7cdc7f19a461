#include "user/report/timeline_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "tests/unit/report_session.h"

namespace sockray {
namespace {

using Kind = TimelineEvent::Kind;

class TimelineLayoutTest : public ::testing::Test {
  protected:
    std::vector<TimelineEvent> add(const Send& send) {
        const auto events = layout_.add(send, plan_);
        for (const TimelineTrack& track : layout_.new_tracks()) tracks_[track.id] = track;
        return {events.begin(), events.end()};
    }
    void expect_nested(const std::vector<Send>& sends) {
        std::map<std::uint32_t, std::vector<TimelineEvent>> by_track;
        for (const Send& send : sends)
            for (const TimelineEvent& event : add(send)) by_track[event.track].push_back(event);
        for (auto& [track, events] : by_track) {
            std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.ns < b.ns; });
            std::vector<Stage> open;
            for (const TimelineEvent& event : events) {
                if (event.kind == Kind::begin) open.push_back(event.stage);
                if (event.kind != Kind::end) continue;
                ASSERT_FALSE(open.empty()) << tracks_[track].name;
                ASSERT_EQ(open.back(), event.stage) << tracks_[track].name << " at " << event.ns;
                open.pop_back();
            }
            EXPECT_TRUE(open.empty()) << tracks_[track].name;
        }
    }
    static const TimelineEvent* find(const std::vector<TimelineEvent>& events, Stage stage) {
        const auto at = std::find_if(events.begin(), events.end(), [&](const auto& e) { return e.stage == stage; });
        return at == events.end() ? nullptr : &*at;
    }

    Plan plan_ = made::plan();
    TimelineLayout layout_;
    std::map<std::uint32_t, TimelineTrack> tracks_;
};

TEST_F(TimelineLayoutTest, SlicesNestOnEachTrackWhateverTheOrderOfTheSends) {
    expect_nested(made::session());
}

TEST_F(TimelineLayoutTest, SlicesNestWhateverTheRecordsSay) {
    std::mt19937 random(1);
    const auto below = [&](std::uint32_t most) { return static_cast<std::uint32_t>(random() % most); };
    std::vector<Send> sends;
    for (std::uint64_t id = 1; id <= 3000; id++) {
        Send send = below(2) ? made::followed(id) : made::ring(id);
        if (below(4) == 0) send.record.stage[SR_SLOT_ENTRY] = SR_STAGE_SYS_SENDMMSG;
        send.record.tid += below(2);
        // Close together, so that many times are the same.
        const std::uint64_t begin = 1 + below(100'000);
        for (sr_span& span : send.record.span)
            if (span.start) span = {begin + below(12), below(8) ? begin + below(24) : 0};
        send.record.flags |= below(2) ? SR_SEND_DROP : 0;
        send.record.drop_ns = begin + below(24);
        sends.push_back(send);
    }
    expect_nested(sends);
}

TEST_F(TimelineLayoutTest, WhatBecomesOfAFrameIsOnItsDeviceAndJoinedToTheSend) {
    const auto events = add(made::followed());
    EXPECT_TRUE(events.front().first);
    EXPECT_TRUE(events.front().joined);
    EXPECT_EQ(tracks_[events.front().track].kind, TimelineTrack::Kind::thread);
    EXPECT_EQ(tracks_[find(events, Stage::enqueue)->track].kind, TimelineTrack::Kind::thread);
    for (const Stage stage : {Stage::dequeue, Stage::packet_rcv, Stage::freed}) {
        EXPECT_EQ(tracks_[find(events, stage)->track].kind, TimelineTrack::Kind::device);
        EXPECT_EQ(find(events, stage)->kind, Kind::moment);
        EXPECT_TRUE(find(events, stage)->joined);
    }
    EXPECT_EQ(tracks_[find(events, Stage::ndo)->track].kind, TimelineTrack::Kind::device_lane);
    EXPECT_EQ(find(events, Stage::ndo)->kind, Kind::begin);
}

// A filter at the egress may give a frame to another device: there it waits, and that driver takes it.
TEST_F(TimelineLayoutTest, WhatBecomesOfAFrameThatWasPassedOnIsOnTheDeviceThatItCameTo) {
    Send send = made::followed();
    const auto device = [&](Outcome outcome) {
        send.outcome = outcome;
        const auto events = add(send);
        const TimelineTrack& freed = tracks_[find(events, Stage::freed)->track];
        const TimelineTrack& lane = tracks_[find(events, Stage::ndo)->track];
        EXPECT_EQ(lane.outer, freed.id);
        return freed.name;
    };
    EXPECT_EQ(device(Outcome::delivered), "veth0 in netns 4026531840");
    send.record.flags |= SR_SEND_PASSED_ON;
    made::set(send.record.passed_on_to, "vout0");
    EXPECT_EQ(device(Outcome::delivered), "vout0 in netns 4026531840");
    EXPECT_EQ(device(Outcome::dropped), "vout0 in netns 4026531840");
    EXPECT_EQ(device(Outcome::failed), "veth0 in netns 4026531840") << "what failed is the first device's";
}

TEST_F(TimelineLayoutTest, SendThatEndsWithItsReturnHasNoFlow) {
    for (const TimelineEvent& event : add(made::delivered())) EXPECT_FALSE(event.joined);
}

TEST_F(TimelineLayoutTest, DriversCallsThatOverlapAreOnLanesOfTheirOwn) {
    const std::uint32_t one = find(add(made::followed(1, 1'000'000)), Stage::ndo)->track;
    const std::uint32_t other = find(add(made::followed(2, 1'000'500)), Stage::ndo)->track;
    const std::uint32_t later = find(add(made::followed(3, 2'000'000)), Stage::ndo)->track;
    EXPECT_NE(one, other);
    EXPECT_EQ(one, later);
}

TEST_F(TimelineLayoutTest, WithoutAFreeLaneTheDriversCallIsAMomentThatSaysSo) {
    for (std::size_t lane = 0; lane < TimelineLayout::device_lanes; lane++)
        EXPECT_EQ(find(add(made::followed()), Stage::ndo)->kind, Kind::begin);
    const auto events = add(made::followed());
    EXPECT_EQ(find(events, Stage::ndo)->kind, Kind::moment);
    EXPECT_FALSE(find(events, Stage::ndo)->note.empty());
}

TEST_F(TimelineLayoutTest, StageThatOverlapsWronglyIsAMomentThatSaysSo) {
    Send send = made::delivered();
    send.record.span[SR_SLOT_DRIVER].end += 10'000;
    const auto events = add(send);
    EXPECT_EQ(find(events, Stage::start_xmit)->kind, Kind::moment);
    EXPECT_NE(find(events, Stage::start_xmit)->note.find("contradict"), std::string_view::npos);
}

TEST_F(TimelineLayoutTest, DropBehindTheSendIsOnTheDeviceAndOneWithinItOnTheThread) {
    Send send = made::dropped();
    send.record.drop_ns = 1'005'000;
    auto events = add(send);
    EXPECT_EQ(tracks_[find(events, Stage::none)->track].kind, TimelineTrack::Kind::thread);
    send = made::dropped(4, 2'000'000);
    send.record.drop_ns = 2'500'000;
    events = add(send);
    EXPECT_EQ(tracks_[find(events, Stage::none)->track].kind, TimelineTrack::Kind::device);
    EXPECT_EQ(event_name(*find(events, Stage::none)), "kfree_skb");
}

TEST_F(TimelineLayoutTest, CallOfSendmmsgIsDrawnOnceAroundItsSends) {
    EXPECT_EQ(find(add(made::of_sendmmsg(false, 1)), Stage::sys_sendmmsg), nullptr);
    const auto events = add(made::of_sendmmsg(true, 2));
    ASSERT_NE(find(events, Stage::sys_sendmmsg), nullptr);
    EXPECT_EQ(tracks_[find(events, Stage::sys_sendmmsg)->track].kind, TimelineTrack::Kind::thread_lane);
    EXPECT_NE(find(events, Stage::sys_sendmmsg)->track, find(events, Stage::packet_sendmsg)->track);
}

TEST_F(TimelineLayoutTest, TracksAreBoundedWhateverTheNumberOfThreadsAndDevices) {
    Send send = made::followed();
    for (std::uint32_t n = 0; n < 3000; n++) {
        send.record.pid = send.record.tid = 1000 + n;
        made::set(send.record.ifname, "veth" + std::to_string(n));
        add(send);
    }
    const std::size_t threads = TimelineLayout::threads_kept + 1;
    const std::size_t devices = TimelineLayout::devices_kept + 1;
    EXPECT_LE(tracks_.size(),
              threads * (1 + TimelineLayout::thread_lanes) + devices * (1 + TimelineLayout::device_lanes));
}

TEST(Lanes, SpansThatTouchAreOnDifferentLanes) {
    Lanes lanes(2);
    EXPECT_EQ(lanes.place(10, 20), 0U);
    EXPECT_EQ(lanes.place(20, 30), 1U);
    EXPECT_EQ(lanes.place(31, 40), 0U);
    EXPECT_EQ(lanes.place(1, 9), 0U);
    EXPECT_EQ(lanes.place(15, 35), std::nullopt);
    EXPECT_EQ(lanes.place(50, 45), std::nullopt);
}

TEST(Lanes, LaneThatHoldsManyForgetsItsGapsAndNeverItsSpans) {
    Lanes lanes(1);
    for (std::uint64_t n = 1; n <= 10 * Lanes::spans_kept; n++) ASSERT_EQ(lanes.place(n * 10, n * 10 + 5), 0U);
    for (std::uint64_t n = 1; n <= 10 * Lanes::spans_kept; n++)
        ASSERT_EQ(lanes.place(n * 10 + 2, n * 10 + 3), std::nullopt);
    EXPECT_EQ(lanes.place(1, 5), 0U);
}

}  // namespace
}  // namespace sockray
