// A frame as the taps of an interface saw it (packet(7), ETH_P_ALL), without a send that is known to have made it:
// received, or sent by something else than a packet socket, or by one whose sends are not traced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "user/base/link_type.h"

namespace sockray {

// Where frames were captured.
struct TapInterface {
    std::string name;                               // "any": all of the namespace
    std::int32_t ifindex = 0;                       // 0: any
    std::uint32_t netns_ino = 0;                    // inode of the network namespace
    std::uint16_t link_type = linktype_linux_sll2;  // LINKTYPE_*: how frames begin

    bool operator==(const TapInterface&) const = default;
};

// Valid during the call that hands it over.
struct TapFrame {
    const TapInterface* interface = nullptr;
    std::span<const std::byte> bytes;  // what was kept of it
    std::uint32_t length = 0;          // of the whole frame, as `bytes` begins
    std::uint64_t realtime_ns = 0;     // CLOCK_REALTIME
    bool outgoing = false;
    bool comes_again = false;  // on loopback, where what is sent is then received: a frame that is `outgoing`
};

// The ETH_P_* of the frame, by its bytes; 0 where they do not tell: cut off, or of a link that has no such number.
std::uint16_t ethertype_of(const TapFrame& frame);

}  // namespace sockray
