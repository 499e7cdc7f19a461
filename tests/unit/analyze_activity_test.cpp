#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/analyze_records.h"
#include "user/analyze/activity.h"

namespace sockray {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

Send from(Send send, std::uint32_t pid, std::string_view comm, std::string_view ifname = "veth0") {
    send.record.pid = pid;
    made::set(send.record.comm, comm);
    made::set(send.record.ifname, ifname);
    return send;
}

void begin(ActivitySink& sink) {
    Origin origin;
    origin.start_ns = second;
    sink.begin(origin, {}, made::Names{});
}

const ActiveSender& sender(const Activity& activity, std::string_view comm) {
    const auto found = std::find_if(activity.senders.begin(), activity.senders.end(),
                                    [comm](const ActiveSender& each) { return each.comm == comm; });
    EXPECT_NE(found, activity.senders.end()) << comm;
    return found == activity.senders.end() ? activity.all : *found;
}

const ActiveStage* stage(const Activity& activity, Stage wanted) {
    for (const ActiveStage& each : activity.stages)
        if (each.stage == wanted) return &each;
    return nullptr;
}

TEST(Activity, TellsSendersApartByProcessThreadSocketDeviceAndMethod) {
    ActivitySink sink;
    begin(sink);
    sink.send(made::delivered());
    sink.send(made::delivered());
    sink.send(from(made::delivered(), 813, "arping"));
    sink.send(from(made::delivered(), 812, "other"));
    sink.send(from(made::delivered(), 812, "arping", "veth1"));
    Send socket = made::delivered();
    socket.record.socket_ino++;
    sink.send(socket);
    sink.send(made::ring());
    sink.close_interval(2 * second);
    ASSERT_EQ(sink.activity().senders.size(), 6U);
    EXPECT_EQ(sink.activity().all.total.sends, 7U);
    std::uint64_t twice = 0, rings = 0;
    for (const ActiveSender& each : sink.activity().senders) {
        twice += each.total.sends == 2;
        rings += each.method == "tx_ring";
    }
    EXPECT_EQ(twice, 1U);
    EXPECT_EQ(rings, 1U);
}

TEST(Activity, CountsAnIntervalAndTheWholeApart) {
    ActivitySink sink;
    begin(sink);
    for (int i = 0; i < 10; i++) sink.send(made::delivered());
    for (int i = 0; i < 2; i++) sink.send(made::failed());
    sink.close_interval(3 * second);
    EXPECT_EQ(sink.activity().interval_ns, 2 * second);
    EXPECT_DOUBLE_EQ(sink.activity().a_second(sink.activity().all.last.sends), 6);
    sink.send(made::dropped());
    sink.close_interval(4 * second);
    const ActiveSender& arping = sender(sink.activity(), "arping");
    EXPECT_EQ(arping.last.sends, 1U);
    EXPECT_EQ(arping.last.dropped_or_failed(), 1U);
    EXPECT_EQ(arping.total.sends, 13U);
    EXPECT_EQ(arping.total.bytes, 13U * 42);
    EXPECT_EQ(arping.total.count(Outcome::delivered), 10U);
    EXPECT_EQ(arping.total.dropped_or_failed(), 3U);
    EXPECT_EQ(arping.rates, (std::deque<double>{6, 1}));
}

TEST(Activity, HasTheTimesOfTheLastIntervalOnly) {
    ActivitySink sink;
    begin(sink);
    for (int i = 0; i < 100; i++) sink.send(made::delivered(1, second, 100));
    sink.close_interval(2 * second);
    for (int i = 0; i < 3; i++) sink.send(made::delivered());
    sink.close_interval(3 * second);
    const ActiveSender& arping = sender(sink.activity(), "arping");
    EXPECT_EQ(arping.latency.samples, 3U);
    EXPECT_NEAR(static_cast<double>(arping.latency.median), 10'000, 100);
    EXPECT_NEAR(static_cast<double>(arping.latency.p99), 10'000, 100);
    const ActiveStage* sendmsg = stage(sink.activity(), Stage::packet_sendmsg);
    ASSERT_NE(sendmsg, nullptr);
    EXPECT_NEAR(static_cast<double>(sendmsg->latency.median), 8'200, 100);
    ASSERT_EQ(sendmsg->medians.size(), 2U);
    EXPECT_NEAR(sendmsg->medians[0], 820'000, 10'000);
    sink.close_interval(4 * second);
    EXPECT_EQ(sender(sink.activity(), "arping").latency.samples, 0U);
    EXPECT_EQ(stage(sink.activity(), Stage::packet_sendmsg)->medians.back(), 0);
}

TEST(Activity, KeepsNoMoreSendersThanAskedForAndItsSumsExact) {
    constexpr std::size_t kept = 16;
    ActivitySink sink(kept);
    begin(sink);
    std::uint64_t sends = 0;
    for (int round = 0; round < 3; round++) {
        for (std::uint32_t pid = 1; pid <= 100; pid++) {
            sink.send(from(made::dropped(), pid, "one-shot"));
            for (int i = 0; i < 3; i++) sink.send(from(made::delivered(), 5000, "busy"));
            sends += 4;
        }
        sink.close_interval(second * static_cast<std::uint64_t>(round + 2));
        const Activity& activity = sink.activity();
        EXPECT_LE(activity.senders.size(), kept);
        EXPECT_GT(activity.merged, 0U);
        SendCounts sum = activity.others.total;
        SendCounts last = activity.others.last;
        for (const ActiveSender& each : activity.senders) sum += each.total, last += each.last;
        EXPECT_EQ(sum.sends, sends);
        EXPECT_EQ(sum.sends, activity.all.total.sends);
        EXPECT_EQ(sum.bytes, activity.all.total.bytes);
        EXPECT_EQ(sum.outcomes, activity.all.total.outcomes);
        EXPECT_EQ(last.sends, activity.all.last.sends);
        EXPECT_EQ(sender(activity, "busy").total.sends, 300U * static_cast<std::uint64_t>(round + 1))
            << "who sends most is never merged";
    }
}

TEST(Activity, KeepsNoMoreIntervalsThanItSays) {
    ActivitySink sink;
    begin(sink);
    for (std::uint64_t i = 0; i < ActivitySink::intervals_kept + 10; i++) {
        sink.send(made::delivered());
        sink.close_interval((i + 2) * second);
    }
    EXPECT_EQ(sink.activity().all.rates.size(), ActivitySink::intervals_kept);
    EXPECT_EQ(sink.activity().stages.front().medians.size(), ActivitySink::intervals_kept);
}

TEST(Activity, OfAFilterHasTheStagesOfThoseThatMatch) {
    ActivitySink sink;
    begin(sink);
    sink.set_filter("SLOW");
    for (int i = 0; i < 5; i++) sink.send(from(made::delivered(), 1, "fast"));
    sink.send(from(made::delivered(1, second, 50), 2, "slow"));
    sink.close_interval(2 * second);
    EXPECT_EQ(sink.activity().filter, "SLOW");
    EXPECT_EQ(sink.activity().senders.size(), 2U) << "rows are for the screen to choose";
    ASSERT_NE(stage(sink.activity(), Stage::packet_sendmsg), nullptr);
    EXPECT_EQ(stage(sink.activity(), Stage::packet_sendmsg)->latency.samples, 1U);
    sink.set_filter("");
    sink.send(from(made::delivered(), 1, "fast"));
    sink.close_interval(3 * second);
    EXPECT_EQ(stage(sink.activity(), Stage::packet_sendmsg)->medians.size(), 1U)
        << "the times of others are no history of these";
}

TEST(AFilter, LooksForNameProcessSocketDeviceAndMethodInAnyCase) {
    ActiveSender sender;
    sender.pid = 812;
    sender.socket_ino = 34567;
    sender.comm = "ArpIng";
    sender.ifname = "veth0";
    sender.method = "sendto";
    for (const std::string text : {"", "arp", "ING", "812", "3456", "veth", "SendTo"})
        EXPECT_TRUE(matches(sender, text)) << text;
    for (const std::string text : {"arpingx", "813", "eth1", "sendmsg"}) EXPECT_FALSE(matches(sender, text)) << text;
}

}  // namespace
}  // namespace sockray
