// The frame that the driver sends: an Ethernet header, the cookie by which the kernel side knows the send, a
// filling.
//
//   offset 0   6  destination 02:73:6f:63:6b:72
//          6   6  source: the interface's own address
//         12   2  ethertype 0x88b5, IEEE 802 local experimental 1 (ETH_P_802_EX1)
//         14   8  magic of the run, host byte order
//         22   8  number of the send, host byte order
//         30   .  each byte is the low byte of its offset
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "user/base/result.h"
#include "user/drive/interface.h"

namespace sockray {

inline constexpr std::size_t ethernet_header_size = 14;
inline constexpr std::size_t cookie_offset = ethernet_header_size;
inline constexpr std::size_t cookie_size = 16;
inline constexpr std::size_t min_frame_size = cookie_offset + cookie_size;
inline constexpr std::size_t default_frame_size = 60;  // the least that Ethernet carries, without the checksum
inline constexpr std::size_t max_frame_size = 65535 + ethernet_header_size;

// Locally administered and unicast, so that no host takes the frame for its own and none is woken by it, as
// all are by a broadcast; the last five bytes spell "sockr" in a capture.
inline constexpr std::array<std::uint8_t, 6> frame_destination = {0x02, 's', 'o', 'c', 'k', 'r'};

// Whether a frame of `size` bytes, Ethernet header included, can be built; `usage` if not. A frame over the
// MTU can: the kernel refuses it with EMSGSIZE, which is worth seeing.
Status check_frame_size(std::uint64_t size);

// A magic for a run: random, never 0.
Result<std::uint64_t> random_cookie_magic();

// Builds the frame of send number 0 with the interface's address as its source. Expects a checked size.
std::vector<std::uint8_t> build_frame(const Interface& interface, std::size_t size, std::uint64_t cookie_magic);

// Writes a send's number into a frame that build_frame() made.
void set_number(std::span<std::uint8_t> frame, std::uint64_t number);

}  // namespace sockray
