// What tests of the hooks do and look at: frames that are sent step by step, and the records that came of them.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/hooks/hooks.h"
#include "user/decode/decode.h"

namespace sockray::hooked {

inline std::vector<sr_send> sends() {
    const sr_send* all = nullptr;
    const unsigned count = hooks_sends(&all);
    std::vector<sr_send> decoded(count);
    for (unsigned i = 0; i < count; i++)
        EXPECT_EQ(decode_send({reinterpret_cast<const std::byte*>(&all[i]), all[i].head.size}, decoded[i]), "");
    EXPECT_TRUE(hooks_cut_is_empty());
    return decoded;
}

// A step of a frame whose hook is skipped.
enum class Step { alloc, alloc_done, xmit, driver, driver_done, xmit_done, none };

inline constexpr Step every_step[] = {Step::alloc,  Step::alloc_done,  Step::xmit,
                                      Step::driver, Step::driver_done, Step::xmit_done};

inline void frame(int number, bool bypass = false, Step skipped = Step::none) {
    if (skipped != Step::alloc) hooks_alloc();
    if (skipped != Step::alloc_done) hooks_alloc_done(number);
    if (skipped != Step::xmit) hooks_xmit(number, bypass);
    if (skipped != Step::driver) hooks_driver(number);
    if (skipped != Step::driver_done) hooks_driver_done(0);
    if (skipped != Step::xmit_done) hooks_xmit_done(bypass, 0);
}

// One call of tpacket_snd on a ring of so many frames, all of which are to be sent; `malformed` are passed over.
inline void ring_call(unsigned frames, std::uint32_t malformed, unsigned first = 0) {
    hooks_sendmsg();
    long sent = 0;
    for (unsigned i = 0; i < frames; i++) {
        const unsigned at = (first + i) % frames;
        if (!(malformed >> at & 1)) {
            frame(static_cast<int>(at));
            sent += 60;
        }
        hooks_ring_step();
    }
    hooks_sendmsg_done(sent);
}

// A send whose frame a queue keeps: it is followed, and has left its send behind.
inline void leave_in_queue(int number) {
    hooks_queue(1);
    hooks_sendmsg();
    hooks_alloc();
    hooks_alloc_done(number);
    hooks_xmit(number, 0);
    hooks_xmit_done(0, 0);
    hooks_sendmsg_done(60);
}

inline std::span<const sr_frame> frame_records() {
    const sr_frame* all = nullptr;
    const unsigned count = hooks_frames(&all);
    return {all, count};
}

class Hooks : public ::testing::Test {
  protected:
    void SetUp() override { hooks_reset(); }
    void TearDown() override { EXPECT_EQ(hooks_counters()->sends_begun, hooks_counters()->sends_emitted); }
};

}  // namespace sockray::hooked
