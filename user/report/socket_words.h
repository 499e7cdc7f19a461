// What the kernel keeps of a packet socket, in words.
#pragma once

#include <linux/if_packet.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/probe/packet_sockets.h"

namespace sockray {

// "hash", "rollover"; the number of a mode that has no name here.
std::string fanout_mode(std::uint8_t type);
std::vector<std::string_view> fanout_flags(std::uint8_t flags);

// Of its rings: 1 to 3.
unsigned version_of(const sr_socket_entry& entry);
bool is_rx_v3(const sr_socket_entry& entry, const sr_socket_ring& ring);

// Kinds of membership: PACKET_MR_* and the word for it.
inline constexpr std::pair<unsigned, std::string_view> memberships[] = {{PACKET_MR_MULTICAST, "multicast"},
                                                                        {PACKET_MR_PROMISC, "promisc"},
                                                                        {PACKET_MR_ALLMULTI, "allmulti"},
                                                                        {PACKET_MR_UNICAST, "unicast"}};

// Whether it counts what it receives.
bool counts_packets(const sr_socket_entry& entry);

}  // namespace sockray
