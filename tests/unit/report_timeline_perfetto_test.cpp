#include "user/report/timeline_perfetto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/unit/protoc.h"
#include "tests/unit/report_session.h"

namespace sockray {
namespace {

using protoc::Message;

class PerfettoTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (!protoc::is_installed()) GTEST_SKIP() << "no protoc (protobuf-compiler)";
        const auto text =
            protoc::decode(SOCKRAY_TEST_DATA, "perfetto.proto", "Trace", made::exported<PerfettoTimeline>());
        ASSERT_TRUE(text);
        text_ = *text;
        trace_ = protoc::parse(text_);
        for (const auto& [key, packet] : trace_.messages)
            if (const Message* interned = packet.child("interned_data"))
                for (const auto& [kind, entry] : interned->messages)
                    names_[kind + entry.get("iid")] = entry.get("name");
    }

    std::string name(const Message& event) const { return names_.at("event_names" + event.get("name_iid")); }
    // The value of an annotation; "" where the event has none of that name.
    std::string note(const Message& event, const std::string& key) const {
        const auto [from, to] = event.messages.equal_range("debug_annotations");
        for (auto at = from; at != to; ++at)
            if (names_.at("debug_annotation_names" + at->second.get("name_iid")) == '"' + key + '"')
                for (const auto& [kind, value] : at->second.values)
                    if (kind != "name_iid") return value;
        return "";
    }

    std::string text_;
    Message trace_;
    std::map<std::string, std::string> names_;
};

TEST_F(PerfettoTest, EveryFieldIsKnownToTheProto) {
    EXPECT_FALSE(text_.empty());
    EXPECT_EQ(protoc::unknown_fields(text_), std::vector<std::string>());
}

TEST_F(PerfettoTest, SlicesNestOnEachTrackAndEveryTrackIsDescribed) {
    std::map<std::string, std::vector<std::pair<std::uint64_t, std::string>>> by_track;
    std::map<std::string, int> described;
    for (const auto& [key, packet] : trace_.messages) {
        if (const Message* track = packet.child("track_descriptor")) described[track->get("uuid")]++;
        if (const Message* event = packet.child("track_event")) {
            EXPECT_EQ(packet.get("timestamp_clock_id"), "3");
            by_track[event->get("track_uuid")].emplace_back(std::stoull(packet.get("timestamp")), event->get("type"));
        }
    }
    ASSERT_GT(by_track.size(), 4U);
    for (auto& [track, events] : by_track) {
        EXPECT_EQ(described[track], 1) << track;
        std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        int depth = 0;
        for (const auto& [ns, type] : events) {
            depth += type == "SLICE_BEGIN" ? 1 : type == "SLICE_END" ? -1 : 0;
            ASSERT_GE(depth, 0) << track << " at " << ns;
        }
        EXPECT_EQ(depth, 0) << track;
    }
}

TEST_F(PerfettoTest, ClocksAreRelatedAtTheStart) {
    const Message* snapshot = nullptr;
    for (const auto& [key, packet] : trace_.messages)
        if (packet.child("clock_snapshot")) snapshot = packet.child("clock_snapshot");
    ASSERT_NE(snapshot, nullptr);
    EXPECT_EQ(snapshot->get("primary_trace_clock"), "3");
    std::map<std::string, std::string> clocks;
    for (const auto& [key, clock] : snapshot->messages) clocks[clock.get("clock_id")] = clock.get("timestamp");
    EXPECT_EQ(clocks["3"], "950000");
    EXPECT_EQ(clocks["1"], "1700000000000950000");
}

TEST_F(PerfettoTest, FlowLeadsFromTheSendToWhatBecameOfItsFrame) {
    std::vector<std::string> joined;
    for (const auto& [key, packet] : trace_.messages)
        if (const Message* event = packet.child("track_event"))
            if (event->get("flow_ids") == "2") joined.push_back(name(*event));
    EXPECT_EQ(joined, (std::vector<std::string>{"\"__sys_sendto\"", "\"qdisc_dequeue\"", "\"ndo_start_xmit\"",
                                                "\"packet_rcv\"", "\"skb_freed\""}));
}

TEST_F(PerfettoTest, SendTellsItsOutcomeAndEveryStageItsEvidence) {
    bool found = false;
    for (const auto& [key, packet] : trace_.messages) {
        const Message* event = packet.child("track_event");
        if (!event || event->get("type") == "SLICE_END") continue;
        EXPECT_NE(note(*event, "evidence"), "");
        if (name(*event) == "\"packet_snd\"") {
            EXPECT_EQ(note(*event, "evidence"), "\"located\"");
        }
        if (note(*event, "outcome") != "\"failed\"") continue;
        found = true;
        EXPECT_EQ(note(*event, "reason"), "\"ENETDOWN: veth0 is down\"");
        EXPECT_EQ(note(*event, "errno"), "\"ENETDOWN\"");
        EXPECT_EQ(note(*event, "ret"), "-1");
        EXPECT_EQ(note(*event, "len"), "42");
    }
    EXPECT_TRUE(found);
}

TEST_F(PerfettoTest, HostileNamesHaveNoControlCharacters) {
    for (const char* bad : {"\\001", "\\n", "\\377"}) EXPECT_EQ(text_.find(bad), std::string::npos) << bad;
    EXPECT_NE(text_.find("x01;\\\\xff"), std::string::npos);
}

}  // namespace
}  // namespace sockray
