// The packet sockets of this machine that were offered a frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/correlate/send.h"

namespace sockray {

// "taken", "full", "filtered", "unknown": SR_RECEIVED_*.
std::string_view received_name(std::uint32_t received);

// All that are known, in the order in which they were offered it; the record's own is the first.
std::vector<FrameReceiver> receivers_of(const Send& send);

// Those beyond, of which only the number is known.
std::uint64_t unnamed_receivers(const Send& send);

// "777 taken, 801 full, 3 more": inodes, at most `most` of them. `first`: of this one on.
std::string list_receivers(const Send& send, std::size_t first, std::size_t most);

// "packet socket 801 had no room", "2 packet sockets had no room": of those that are known. Empty where all had.
std::string full_receivers(const Send& send);

}  // namespace sockray
