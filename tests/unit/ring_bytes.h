// A record as the kernel side puts it into the ring.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <vector>

#include "bpf/records.h"

namespace sockray::made {

inline constexpr std::size_t send_lengths[] = {SR_SEND_SHORT, SR_SEND_OUTER, SR_SEND_FRAME, SR_SEND_LONG};

inline bool is_length_of_a_send(std::size_t size) {
    return std::ranges::find(send_lengths, size) != std::end(send_lengths);
}

template <typename T>
std::vector<std::byte> ring_bytes(const T& record) {
    std::vector<std::byte> bytes(sizeof record);
    std::memcpy(bytes.data(), &record, sizeof record);
    return bytes;
}

// Of its whole length.
inline std::vector<std::byte> ring_bytes(const sr_send& send) {
    sr_send placed = send;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) placed.span[sr_place[slot]] = send.span[slot];
    std::vector<std::byte> bytes(sizeof placed);
    std::memcpy(bytes.data(), &placed, sizeof placed);
    return bytes;
}

// Cut to `length`, as its head says.
inline std::vector<std::byte> ring_bytes(sr_send send, std::size_t length) {
    send.head.size = static_cast<__u32>(length);
    std::vector<std::byte> bytes = ring_bytes(send);
    bytes.resize(length);
    return bytes;
}

}  // namespace sockray::made
