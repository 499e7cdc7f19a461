// Sends that the kernel side has cut where nothing but zeros follow.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "tests/unit/ring_bytes.h"
#include "user/decode/decode.h"

namespace sockray {
namespace {

using made::ring_bytes;
using made::send_lengths;

// Every byte of a send that the kernel side cuts is there again, and nothing else: no other byte of it.
TEST(Decoding, MakesASendThatWasCutWhole) {
    std::vector<std::byte> noise(sizeof(sr_send), std::byte{0x11});
    sr_send send;
    std::memcpy(&send, noise.data(), sizeof send);
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) send.span[slot] = {100U + slot, 200U + slot};
    const sr_send whole = [&] {
        sr_send one = sample::taken();
        send.head = one.head;
        std::memcpy(send.stage, one.stage, sizeof send.stage);
        for (char* name : {send.comm, send.ifname, send.qdisc, send.passed_on_to}) name[15] = '\0';
        send.ret = 0x1111;
        return send;
    }();
    for (const std::size_t length : send_lengths) {
        const auto record = decode(ring_bytes(whole, length));
        ASSERT_TRUE(record) << record.error();
        const auto& taken = std::get<sr_send>(*record);
        std::vector<std::byte> expected = ring_bytes(whole);
        std::fill(expected.begin() + static_cast<std::ptrdiff_t>(length), expected.end(), std::byte{0});
        EXPECT_EQ(ring_bytes(taken), expected) << length;
        for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
            const bool kept = offsetof(sr_send, span) + (sr_place[slot] + 1) * sizeof(sr_span) <= length;
            EXPECT_EQ(taken.span[slot].start, kept ? 100U + slot : 0U) << slot << " of " << length;
        }
    }
}

TEST(Decoding, KnowsAPlaceForEachSlot) {
    std::vector<int> slots(SR_SLOT_COUNT);
    for (const std::uint8_t place : sr_place) slots.at(place)++;
    EXPECT_EQ(slots, std::vector<int>(SR_SLOT_COUNT, 1));
}

}  // namespace
}  // namespace sockray
