// What a receiving socket's counts tell of a frame, where other frames come to it from another CPU.
#include <gtest/gtest.h>

#include "tests/hooks/sent.h"

namespace sockray {
namespace {

class Receivers : public ::testing::Test {
  protected:
    // Frame 0 is followed, as one that a qdisc may keep is; it has left its send behind.
    void SetUp() override {
        hooks_reset();
        hooked::leave_in_queue(0);
    }
    // What is told of the only frame.
    static std::uint32_t received() {
        const auto all = hooked::frame_records();
        EXPECT_EQ(all.size(), 1U);
        if (all.size() != 1) return 0;
        EXPECT_EQ(all[0].kind, static_cast<std::uint32_t>(SR_FRAME_RECEIVED));
        return all[0].received;
    }
};

TEST_F(Receivers, AreTakenAtTheirWordWhileNoOtherCpuIsThere) {
    struct {
        unsigned taken, dropped;
        std::uint32_t told;
    } const counts[] = {{1, 0, SR_RECEIVED_TAKEN}, {0, 1, SR_RECEIVED_FULL}, {0, 0, SR_RECEIVED_FILTERED}};
    for (const auto& [taken, dropped, told] : counts) {
        SetUp();
        hooks_receive(9);  // another's, before
        hooks_receive_done(1, 0);
        hooks_receive(0);
        hooks_receive_done(taken, dropped);
        hooks_receive(9);
        hooks_receive_done(1, 0);
        EXPECT_EQ(received(), told);
    }
}

// One that is not traced is enough.
TEST_F(Receivers, OfWhichAnotherCpuIsOfferedAFrameAtTheSameTimeAreNotKnownToHaveIt) {
    struct {
        bool before, after;  // the other call begins before this one, ends behind it
    } const overlaps[] = {{false, false}, {true, false}, {false, true}, {true, true}};
    for (const auto& [before, after] : overlaps) {
        for (const unsigned taken : {0U, 1U}) {
            SetUp();
            const auto on = [](unsigned cpu, auto&& step) {
                hooks_cpu(cpu);
                step();
                hooks_cpu(0);
            };
            if (before) on(1, [] { hooks_receive(9); });
            hooks_receive(0);
            if (!before) on(1, [] { hooks_receive(9); });
            if (!after) on(1, [&] { hooks_receive_done(1 - taken, 0); });
            hooks_receive_done(taken, 0);
            if (after) on(1, [&] { hooks_receive_done(1 - taken, 0); });
            const std::uint32_t counted_nothing = after && !taken ? SR_RECEIVED_FILTERED : SR_RECEIVED_UNKNOWN;
            EXPECT_EQ(received(), counted_nothing) << before << after << taken;
        }
    }
}

TEST_F(Receivers, WhoseCountsWereSetBackMeanwhileAreNotKnownToHaveIt) {
    hooks_receive(9);
    hooks_receive_done(5, 5);
    hooks_receive(0);
    hooks_receive_done(-5U, -5U);
    EXPECT_EQ(received(), static_cast<std::uint32_t>(SR_RECEIVED_UNKNOWN));
}

TEST_F(Receivers, WhoseReturnWasSkippedAreKnownAgainFromTheNextFrameOnThatCpu) {
    hooks_receive(9);
    hooks_receive(9);
    hooks_receive_done(1, 0);
    hooks_receive(0);
    hooks_receive_done(1, 0);
    EXPECT_EQ(received(), static_cast<std::uint32_t>(SR_RECEIVED_TAKEN));
}

}  // namespace
}  // namespace sockray
