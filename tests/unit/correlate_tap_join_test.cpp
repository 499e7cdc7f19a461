// Frames that a capture saw leave, joined with their sends.
#include "user/correlate/tap_join.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/correlate_records.h"

namespace sockray {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t turn = second / 20;

class Listener : public TapJoinListener {
  public:
    void unclaimed(const TapFrame& frame) override { told += 'f' + std::to_string(frame.realtime_ns) + ' '; }
    void ended(Send&& send, Tapped&& tapped) override {
        told += 's' + std::to_string(send.record.id) + '/' + std::to_string(tapped.taken) + ' ';
        last = std::move(tapped);
    }
    std::string told;
    Tapped last;
};

class TapJoins : public testing::Test {
  protected:
    void frame(std::uint64_t realtime_ns, std::size_t size = 60) {
        const std::vector<std::byte> bytes(size, std::byte{1});
        join.frame({nullptr, bytes, static_cast<std::uint32_t>(size), realtime_ns, true});
    }
    void tapped(std::uint64_t send, std::uint64_t realtime_ns) {
        sr_frame record{};
        record.kind = SR_FRAME_TAPPED;
        record.send = send;
        record.ns = realtime_ns;
        join.tapped(record);
    }
    void send(std::uint64_t id) {
        Send one = sample::send_of(sample::taken());
        one.record.id = id;
        join.send(one);
    }
    // All records have been read that there were when the last frame came.
    void caught_up() {
        join.came_before(written);
        join.caught_up(written, now += turn);
        written++;
    }
    void pass(std::uint64_t ns) {
        for (; ns; ns -= turn) caught_up();
    }
    std::size_t count(char kind) const {
        std::size_t found = 0;
        for (const char c : listener.told) found += c == kind;
        return found;
    }
    Listener listener;
    TapJoin join{listener, 8};
    std::uint64_t written = 1000;
    std::uint64_t now = 77 * second;
};

TEST_F(TapJoins, AFrameGoesWithItsSendWhicheverComesFirst) {
    frame(100);
    tapped(1, 100);
    send(1);
    tapped(2, 200);
    send(2);
    EXPECT_EQ(listener.told, "s1/1 ");
    frame(200, 77);
    EXPECT_EQ(listener.told, "s1/1 s2/1 ");
    EXPECT_EQ(listener.last.bytes.size(), 77U);
    EXPECT_EQ(listener.last.realtime_ns, 200U);
    join.finish();
    EXPECT_EQ(listener.told, "s1/1 s2/1 ");
}

TEST_F(TapJoins, AFrameOfWhichNoRecordTellsGoesWhenAllHaveBeenRead) {
    frame(100);
    join.came_before(500);
    join.caught_up(499, now);  // a record is being written, for as long as that takes
    EXPECT_EQ(listener.told, "");
    frame(101);
    frame(102);
    join.came_before(600);
    join.caught_up(500, now);
    EXPECT_EQ(listener.told, "f100 ");
    tapped(1, 102);
    join.came_before(700);  // no frame since
    join.caught_up(600, now);
    EXPECT_EQ(listener.told, "f100 f101 ");
    send(1);
    EXPECT_EQ(listener.told, "f100 f101 s1/1 ");
    EXPECT_EQ(join.given_up(), 0U);
}

TEST_F(TapJoins, AFrameOfWhichARecordTellsWaitsForItsSendAndHoldsUpNoOther) {
    frame(100);
    tapped(1, 100);
    frame(101);
    pass(second);
    EXPECT_EQ(listener.told, "f101 ");
    send(1);
    EXPECT_EQ(listener.told, "f101 s1/1 ");
}

TEST_F(TapJoins, AFrameWhoseSendDoesNotComeIsGivenUpAndToldAlone) {
    frame(100);
    tapped(1, 100);
    caught_up();
    pass(5 * second - turn);
    EXPECT_EQ(listener.told, "");
    caught_up();
    EXPECT_EQ(listener.told, "f100 ");
    EXPECT_EQ(join.given_up(), 1U);
    send(1);  // it comes after all: then the frame has been told
    EXPECT_EQ(listener.told, "f100 s1/0 ");
    EXPECT_TRUE(listener.last.told);
}

TEST_F(TapJoins, ASendThatNeverCameToTheTapsGoesAtOnce) {
    send(1);
    EXPECT_EQ(listener.told, "s1/0 ");
    EXPECT_EQ(listener.last.offered, 0U);
}

TEST_F(TapJoins, ASendWaitsASecondForItsFrame) {
    caught_up();
    tapped(1, 100);
    send(1);
    pass(second - turn);
    EXPECT_EQ(listener.told, "");
    caught_up();
    EXPECT_EQ(listener.told, "s1/0 ");
    EXPECT_EQ(listener.last.offered, 1U);
    EXPECT_FALSE(listener.last.told);
    frame(100);  // too late: nothing is lost all the same
    join.finish();
    EXPECT_EQ(listener.told, "s1/0 f100 ");
}

TEST_F(TapJoins, ASendDoesNotWaitWhileWeOurselvesStandStill) {
    caught_up();
    tapped(1, 100);
    send(1);
    now += 9 * second;
    caught_up();
    EXPECT_EQ(listener.told, "");
    frame(100);
    EXPECT_EQ(listener.told, "s1/1 ");
}

TEST_F(TapJoins, ASendThatWasCutUpHasAllItsSegments) {
    for (std::uint64_t i = 0; i < 3; i++) tapped(1, 100 + i);
    frame(100);
    frame(101);
    send(1);
    EXPECT_EQ(listener.told, "");
    frame(102);
    EXPECT_EQ(listener.told, "s1/3 ");
}

TEST_F(TapJoins, FramesOfOneMomentAreSeveral) {
    frame(100);
    frame(100);
    tapped(1, 100);
    send(1);
    join.finish();
    EXPECT_EQ(listener.told, "s1/1 f100 ");
    tapped(2, 200);
    tapped(2, 200);
    send(2);
    frame(200);
    EXPECT_EQ(listener.told, "s1/1 f100 ");
    frame(200);
    EXPECT_EQ(listener.told, "s1/1 f100 s2/2 ");
}

TEST_F(TapJoins, ASendTakesItsFrameFromAmongOthersWhateverHasGoneMeanwhile) {
    for (const std::uint64_t time : {100, 101, 102}) frame(time);
    tapped(1, 101);
    send(1);
    tapped(2, 102);
    join.came_before(1);
    frame(103);
    tapped(3, 103);
    join.came_before(2);
    join.caught_up(1, now);  // 102 waits for its send, 103 for what has not been read
    EXPECT_EQ(listener.told, "s1/1 f100 ");
    frame(104);
    send(3);
    send(2);
    EXPECT_EQ(listener.told, "s1/1 f100 s3/1 s2/1 ");
    frame(105);
    caught_up();
    EXPECT_EQ(listener.told, "s1/1 f100 s3/1 s2/1 f104 f105 ");
    EXPECT_EQ(join.given_up(), 0U);
}

TEST_F(TapJoins, AFrameThatIsNeverCaughtUpWithHoldsUpNoMoreThanFourTimesAsMany) {
    frame(1);
    for (std::uint64_t i = 0; i < 31; i++) {
        frame(100 + i);
        tapped(i, 100 + i);
        send(i);
    }
    EXPECT_EQ(count('f'), 0U);
    frame(200);
    EXPECT_EQ(count('f'), 1U);
    EXPECT_EQ(join.given_up(), 1U);
    join.finish();
    EXPECT_EQ(count('f'), 2U);
    EXPECT_EQ(count('s'), 31U);
}

TEST_F(TapJoins, KeepsSoManyAndNoMore) {
    for (std::uint64_t i = 1; i <= 20; i++) frame(i);
    EXPECT_EQ(listener.told.substr(0, 6), "f1 f2 ");
    EXPECT_EQ(join.given_up(), 12U);
    for (std::uint64_t i = 0; i < 20; i++) {
        tapped(100 + i, 1000 + i);
        send(100 + i);
    }
    EXPECT_EQ(count('s'), 12U);
    for (std::uint64_t i = 0; i < 100; i++) tapped(1000 + i, 5000 + i);  // of sends whose record was lost
    join.finish();
    EXPECT_EQ(count('f'), 20U);
    EXPECT_EQ(count('s'), 20U);
}

}  // namespace
}  // namespace sockray
