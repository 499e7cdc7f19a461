// What the hooks make of clones that tc's mirred gives to another device before a driver has had the frame: a frame
// that is redirected is freed behind that, and its clone is the send's frame; what is mirrored is a frame of its own.
#include <gtest/gtest.h>

#include <string>

#include "tests/hooks/sent.h"

namespace sockray {
namespace {

using namespace hooked;

constexpr int original = 0;
constexpr int clone = 1;

void begin(bool redirected, int bypass = 0) {
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(original);
    hooks_xmit(original, bypass);
    hooks_cloned(clone, original, redirected);
    hooks_xmit(clone, 0);
}

// By the driver of the other device.
void take(int frame, int ret = 0) {
    hooks_driver(frame);
    hooks_given(frame);
    hooks_taken(frame, ret);
    hooks_driver_done(ret);
}

void end(int bypass = 0) {
    hooks_xmit_done(bypass, 0);
    hooks_sendmsg_done(60);
}

void expect_passed_on(const sr_send& send) {
    EXPECT_TRUE(send.flags & SR_SEND_PASSED_ON);
    EXPECT_EQ(std::string(send.passed_on_to), "vlan7");
    EXPECT_EQ(std::string(send.ifname), "eth0");
    EXPECT_EQ(hooks_flights(), 0U);
    EXPECT_EQ(hooks_counters()->passages_lost, 0U);
}

// Whether the frame's own device would have kept it makes no difference.
class Mirred : public Hooks, public ::testing::WithParamInterface<int> {
  protected:
    void SetUp() override {
        Hooks::SetUp();
        hooks_queue(GetParam());
    }
};

TEST_P(Mirred, ThatRedirectsAFrameIsToldByItsCloneWhereADriverTakesItAtOnce) {
    begin(true);
    take(clone);
    hooks_xmit_done(0, 0);
    hooks_freed(original, 0);
    end();
    ASSERT_EQ(sends().size(), 1U);
    expect_passed_on(sends()[0]);
    EXPECT_EQ(sends()[0].driver_hits, 1U);
    EXPECT_EQ(sends()[0].drops, 0U);
    EXPECT_NE(sends()[0].span[SR_SLOT_DRIVER].start, 0U);
    EXPECT_NE(sends()[0].span[SR_SLOT_NDO].start, 0U);
    EXPECT_TRUE(frame_records().empty());
}

// A frame that was followed before is followed on, on whichever CPU the other device's queue is run.
TEST_F(Hooks, TellAFrameThatMirredRedirectsByItsCloneWhereAQueueKeepsIt) {
    for (const bool before_return : {true, false}) {
        hooks_reset();
        hooks_queue(1);
        begin(true);
        const auto other_cpu = [] {
            hooks_cpu(1);
            hooks_thread(6);
            hooks_given(clone);
            hooks_taken(clone, 0);
            hooks_cpu(0);
            hooks_thread(5);
        };
        if (before_return) other_cpu();
        hooks_xmit_done(0, 0);
        hooks_freed(original, 0);
        end();
        if (!before_return) other_cpu();
        ASSERT_EQ(sends().size(), 1U);
        EXPECT_TRUE(sends()[0].flags & SR_SEND_TRACKED);
        ASSERT_EQ(frame_records().size(), 1U);
        EXPECT_EQ(frame_records()[0].kind, static_cast<std::uint32_t>(SR_FRAME_TAKEN));
        EXPECT_EQ(frame_records()[0].send, sends()[0].id);
        expect_passed_on(sends()[0]);
    }
}

TEST_F(Hooks, TellAFrameThatMirredRedirectsByItsCloneWhereAQueueDropsIt) {
    hooks_queue(1);
    begin(true);
    hooks_freed(clone, 7);
    hooks_xmit_done(0, 2);
    hooks_freed(original, 9);
    end();
    ASSERT_EQ(sends().size(), 1U);
    expect_passed_on(sends()[0]);
    EXPECT_EQ(sends()[0].driver_hits, 0U);
    EXPECT_EQ(sends()[0].drops, 1U);
    EXPECT_EQ(sends()[0].drop_reason, 7U);
}

TEST_P(Mirred, ThatMirrorsAFrameChangesNothingOfItsSend) {
    begin(false);
    take(clone, 1);
    hooks_xmit_done(0, 0);
    take(original);
    end();
    hooks_freed(clone, 7);
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_EQ(sends()[0].driver_hits, 1U);
    EXPECT_EQ(sends()[0].drops, 0U);
    EXPECT_FALSE(sends()[0].flags & (SR_SEND_PASSED_ON | SR_SEND_DROP));
    EXPECT_EQ(hooks_flights(), 0U);
    EXPECT_TRUE(frame_records().empty());
}

TEST_P(Mirred, ThatMirrorsAFrameAndThenRedirectsItIsToldByTheRedirectedClone) {
    begin(false);
    hooks_freed(clone, 7);
    hooks_xmit_done(0, 2);
    hooks_cloned(2, original, true);
    hooks_xmit(2, 0);
    take(2);
    hooks_xmit_done(0, 0);
    hooks_freed(original, 0);
    end();
    ASSERT_EQ(sends().size(), 1U);
    expect_passed_on(sends()[0]);
    EXPECT_EQ(sends()[0].driver_hits, 1U);
    EXPECT_EQ(sends()[0].drops, 0U);
}

// What the receiver on this machine makes of a frame is its own, also where it redirects a clone of it.
TEST_P(Mirred, BehindTheDriverOrPastTheQdiscIsAReceivers) {
    begin(true, 1);
    hooks_xmit_done(0, 0);
    end(1);
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_FALSE(sends()[0].flags & SR_SEND_PASSED_ON);
    EXPECT_EQ(sends()[0].driver_hits, 1U);
    hooks_reset();
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(original);
    hooks_xmit(original, 0);
    hooks_driver(original);
    hooks_given(original);
    hooks_cloned(clone, original, true);
    hooks_xmit(clone, 0);
    hooks_freed(clone, 7);
    hooks_xmit_done(0, 2);
    hooks_taken(original, 0);
    hooks_driver_done(0);
    end();
    ASSERT_EQ(sends().size(), 1U);
    EXPECT_FALSE(sends()[0].flags & (SR_SEND_PASSED_ON | SR_SEND_DROP));
    EXPECT_EQ(sends()[0].driver_hits, 1U);
}

INSTANTIATE_TEST_SUITE_P(OfADevice, Mirred, ::testing::Values(0, 1));

}  // namespace
}  // namespace sockray
