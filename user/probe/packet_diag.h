// What the kernel tells of packet sockets over sock_diag (net/packet/diag.c, the module af_packet_diag), whoever holds
// them: more than /proc/net/packet, less than what bpf/sockets.bpf.c reads of a socket that it can reach.
#pragma once

#include <linux/packet_diag.h>
#include <linux/sock_diag.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "user/probe/packet_sockets.h"

namespace sockray {

// Fills in what sock_diag tells of these sockets, which are all of the calling thread's network namespace and
// Source::proc before; Source::sock_diag behind it. A socket that has gone stays as it is. The kernel loads
// af_packet_diag for this if it has to. Returns 0, or the positive errno: ENOENT without that module.
int ask_packet_diag(std::span<SystemSocket* const> sockets);

// ---- the steps of it that only compute

// What one message tells. What is not there was not asked for, or is not told.
struct PacketDiag {
    packet_diag_msg socket{};
    std::optional<packet_diag_info> info;
    std::optional<packet_diag_ring> rx_ring;
    std::optional<packet_diag_ring> tx_ring;
    std::optional<std::uint32_t> fanout;  // id, and the mode from bit 16 on
    std::optional<std::array<std::uint32_t, SK_MEMINFO_VARS>> meminfo;
    std::optional<std::array<std::uint32_t, SR_PACKET_MR_COUNT>> memberships;  // by PACKET_MR_*
    bool filter = false;  // a classic one; of an eBPF program nothing is said (sock_diag_put_filterinfo)
};

// `payload`: a message without its netlink header, aligned as one. std::nullopt where it is of no packet socket.
std::optional<PacketDiag> decode_packet_diag(std::span<const std::byte> payload);

// Adds what it tells to what is known of the same socket.
void add_packet_diag(const PacketDiag& told, SystemSocket& socket);

}  // namespace sockray
