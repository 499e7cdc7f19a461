// The sums of compare-methods: of the driver's events, and of the records of each round.
#include "user/analyze/method_rounds.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

DriveEvent event(std::uint64_t before_ns, std::uint64_t after_ns, std::int64_t ret, int err = 0) {
    DriveEvent made;
    made.before_ns = before_ns;
    made.after_ns = after_ns;
    made.ret = ret;
    made.err = err;
    return made;
}

RoundSum sum_of(const std::vector<DriveEvent>& events) {
    RoundSum sum;
    for (const DriveEvent& each : events) sum.add(each);
    return sum;
}

Send send_of(std::uint32_t tid) {
    Send send = made::delivered();
    send.record.tid = tid;
    return send;
}

MethodRounds ways(std::initializer_list<const char*> methods) {
    std::vector<MethodRuns> runs;
    for (const char* method : methods) runs.emplace_back().method = method;
    return MethodRounds(std::move(runs));
}

TEST(ARound, SumsTheTimeOfItsCallsAndTheTimeFromTheFirstToTheLast) {
    const MethodRound round = sum_of({event(1000, 1300, 60), event(1500, 1600, 60), event(2000, 2500, 60)}).round();
    EXPECT_EQ(round.frames, 3U);
    EXPECT_EQ(round.refused, 0U);
    EXPECT_EQ(round.calls, 3U);
    EXPECT_EQ(round.call_ns, 300U + 100 + 500);
    EXPECT_EQ(round.wall_ns, 1500U);
}

TEST(ARound, CountsTheTimeOfACallForManyFramesOnce) {
    const MethodRound round = sum_of({event(1000, 1300, 60), event(1000, 1300, 60), event(1000, 1300, 60),
                                      event(1400, 1500, 60), event(1400, 1500, 60)})
                                  .round();
    EXPECT_EQ(round.frames, 5U);
    EXPECT_EQ(round.calls, 2U);
    EXPECT_EQ(round.call_ns, 400U);
    EXPECT_EQ(round.wall_ns, 500U);
}

TEST(ARound, CountsRefusedFramesApartAndKeepsTheLastErrorThatWasTold) {
    const RoundSum sum =
        sum_of({event(1000, 1100, 60), event(1200, 1300, -1, ENOBUFS), event(1400, 1500, -1), event(1600, 1700, 60)});
    EXPECT_EQ(sum.round().frames, 2U);
    EXPECT_EQ(sum.round().refused, 2U);
    EXPECT_EQ(sum.round().calls, 4U);
    EXPECT_EQ(sum.error(), ENOBUFS);
    EXPECT_EQ(sum_of({event(1000, 1100, 60)}).error(), 0);
    EXPECT_EQ(RoundSum{}.round().calls, 0U);
}

TEST(TimesByThread, AreOfTheThreadsThatWereExpectedAlone) {
    const Plan plan = made::plan();
    const made::Names names;
    TimesByThread times;
    times.begin({}, plan, names);
    times.expect(7);
    times.expect(8);
    times.send(send_of(7));
    times.send(send_of(7));
    times.send(send_of(8));
    times.send(send_of(9));
    EXPECT_EQ(times.of(7).sends(), 2U);
    EXPECT_EQ(times.of(8).sends(), 1U);
    EXPECT_EQ(times.of(9).sends(), 0U);
}

// The kernel gives a thread the number of one that is gone.
TEST(TimesByThread, OfANumberThatComesAgainAreThoseOfTheLastRound) {
    const Plan plan = made::plan();
    const made::Names names;
    TimesByThread times;
    times.begin({}, plan, names);
    times.expect(7);
    times.send(send_of(7));
    times.send(send_of(7));
    times.expect(7);
    times.send(send_of(7));
    EXPECT_EQ(times.of(7).sends(), 1U);
}

TEST(TheRoundsOfAllWays, AreKeptByWayWithTheTimesOfTheTracedOnes) {
    const Plan plan = made::plan();
    const made::Names names;
    MethodRounds rounds = ways({"sendto", "send"});
    TimesByThread times;
    times.begin({}, plan, names);
    rounds.add(0, sum_of({event(1000, 1100, 60)}));
    rounds.add(1, sum_of({event(1000, 1100, 60), event(1200, 1300, 60)}));
    std::uint32_t tid = 100;
    for (const std::size_t way : {1U, 0U, 0U, 1U}) {
        times.expect(++tid);
        for (std::uint32_t i = 100; i < tid; i++) times.send(send_of(tid));
        rounds.add_traced(way, sum_of({event(1000, 1100, 60)}), tid);
    }
    rounds.take_times(times);
    ASSERT_EQ(rounds.size(), 2U);
    EXPECT_EQ(rounds.ways()[0].untraced.at(0).frames, 1U);
    EXPECT_EQ(rounds.ways()[1].untraced.at(0).frames, 2U);
    const auto sends = [&](std::size_t way) {
        std::vector<std::uint64_t> counts;
        for (const MethodTimes& round : rounds.ways()[way].times) counts.push_back(round.sends());
        return counts;
    };
    EXPECT_EQ(sends(0), (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(sends(1), (std::vector<std::uint64_t>{1, 4}));
    EXPECT_EQ(rounds.ways()[0].traced.size(), 2U);
    rounds.take_times(times);
    EXPECT_EQ(rounds.ways()[0].times.size(), 2U) << "each round is taken once";
}

TEST(TheRoundsOfAllWays, RefuseAWayOfWhichARoundTookNoFrameAndSayWhich) {
    MethodRounds rounds = ways({"sendto", "send", "write"});
    rounds.add(0, sum_of({event(1000, 1100, -1, ENETDOWN)}));
    rounds.add(1, sum_of({event(1000, 1100, 60)}));
    rounds.add(1, sum_of({event(1000, 1100, -1)}));
    rounds.add(2, sum_of({event(1000, 1100, 60), event(1200, 1300, -1, ENOBUFS)}));
    rounds.add_traced(2, sum_of({event(1000, 1100, -1, ENOBUFS)}), 7);
    EXPECT_EQ(rounds.ways()[0].refused, "no frame was taken in round 1: ENETDOWN");
    EXPECT_EQ(rounds.ways()[1].refused, "no frame was taken in round 2");
    EXPECT_EQ(rounds.ways()[2].refused, "no frame was taken in traced round 1: ENOBUFS");
    EXPECT_TRUE(rounds.is_refused(0));
    rounds.take_times(TimesByThread{});
    EXPECT_TRUE(rounds.ways()[2].times.empty());
    EXPECT_FALSE(ways({"sendto"}).is_refused(0));
}

}  // namespace
}  // namespace sockray
