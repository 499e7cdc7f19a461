#include "user/report/timeline_chrome.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/report_session.h"

namespace sockray {
namespace {

using Json = nlohmann::json;
using Place = std::pair<std::uint64_t, std::uint64_t>;

Json events() {
    return Json::parse(made::exported<ChromeTimeline>())["traceEvents"];
}

Place place(const Json& event) {
    return {event["pid"], event["tid"]};
}

TEST(ChromeTimeline, SlicesNestOnEachTrackAndEveryTrackHasAName) {
    std::map<Place, std::vector<Json>> by_track;
    std::map<Place, int> named;
    for (const Json& event : events()) {
        ASSERT_TRUE(event.contains("ts") && event.contains("ph"));
        if (event["ph"] == "M") named[place(event)] += event["name"] == "thread_name";
        if (event["ph"] == "B" || event["ph"] == "E") by_track[place(event)].push_back(event);
    }
    ASSERT_GT(by_track.size(), 4U);
    for (auto& [track, list] : by_track) {
        EXPECT_EQ(named[track], 1);
        std::stable_sort(list.begin(), list.end(),
                         [](const Json& a, const Json& b) { return a["ts"].get<double>() < b["ts"].get<double>(); });
        std::vector<std::string> open;
        for (const Json& event : list) {
            if (event["ph"] == "B") {
                open.push_back(event["name"]);
                continue;
            }
            ASSERT_FALSE(open.empty());
            EXPECT_EQ(open.back(), event["name"]);
            open.pop_back();
        }
        EXPECT_TRUE(open.empty());
    }
}

TEST(ChromeTimeline, TimesAreMicrosecondsSinceTheStartWithAllNanoseconds) {
    const std::string text = made::exported<ChromeTimeline>({made::delivered(1, 1'000'007)});
    EXPECT_NE(text.find(R"("name":"__sys_sendto","ts":50.007,)"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("name":"__sock_create","ts":-50.000,)"), std::string::npos) << text;
}

TEST(ChromeTimeline, FlowLeadsFromTheSendToTheLastThatBecameOfItsFrame) {
    std::vector<std::string> phases;
    std::vector<Place> tracks;
    for (const Json& event : events())
        if (event["name"] == "frame" && event["id"] == 2) {
            phases.push_back(event["ph"]);
            tracks.push_back(place(event));
        }
    EXPECT_EQ(phases, (std::vector<std::string>{"s", "t", "t", "t", "f"}));
    EXPECT_EQ(tracks.front(), Place(812, 812));
    EXPECT_GT(tracks.back().second, 4'194'304U);
}

TEST(ChromeTimeline, FlowEventsLieInASliceOfTheirTrack) {
    const Json all = events();
    for (std::size_t at = 1; at < all.size(); at++) {
        if (all[at]["name"] != "frame") continue;
        EXPECT_EQ(all[at - 1]["ph"], "B");
        EXPECT_EQ(place(all[at - 1]), place(all[at]));
        EXPECT_EQ(all[at - 1]["ts"], all[at]["ts"]);
    }
}

TEST(ChromeTimeline, SendTellsItsOutcome) {
    bool found = false;
    for (const Json& event : events()) {
        if (!event.contains("args") || event["args"].value("outcome", "") != "failed") continue;
        found = true;
        EXPECT_EQ(event["args"]["reason"], "ENETDOWN: veth0 is down");
        EXPECT_EQ(event["args"]["ret"], -1);
    }
    EXPECT_TRUE(found);
}

TEST(ChromeTimeline, WithoutAnySendItIsJsonToo) {
    EXPECT_TRUE(Json::parse(made::exported<ChromeTimeline>({}))["traceEvents"].is_array());
}

TEST(ChromeTimeline, ThreadsThatNoKernelHasDoNotMeetTheTracksOfDevices) {
    std::vector<Send> sends{made::followed(1), made::followed(2, 2'000'000)};
    sends[1].record.pid = sends[1].record.tid = 4'194'307;
    std::map<Place, int> named;
    for (const Json& event : Json::parse(made::exported<ChromeTimeline>(sends))["traceEvents"])
        if (event["name"] == "thread_name") named[place(event)]++;
    for (const auto& [track, count] : named) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace sockray
