#include "user/probe/packet_diag.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

#include "user/base/netlink.h"

namespace sockray {
namespace {

// What an attribute holds, where it is at least as long as we know it.
template <typename T>
std::optional<T> value_of(const rtattr* attribute) {
    T value;
    if (RTA_PAYLOAD(attribute) < sizeof value) return std::nullopt;
    std::memcpy(&value, RTA_DATA(attribute), sizeof value);
    return value;
}

// One packet_diag_mclist behind the other.
std::array<std::uint32_t, SR_PACKET_MR_COUNT> count_memberships(const rtattr* attribute) {
    std::array<std::uint32_t, SR_PACKET_MR_COUNT> counts{};
    const auto* next = static_cast<const std::byte*>(RTA_DATA(attribute));
    packet_diag_mclist member;
    for (std::size_t left = RTA_PAYLOAD(attribute); left >= sizeof member; left -= sizeof member) {
        std::memcpy(&member, next, sizeof member);
        if (member.pdmc_type < counts.size()) counts[member.pdmc_type] += member.pdmc_count;
        next += sizeof member;
    }
    return counts;
}

void read_attribute(const rtattr* attribute, PacketDiag& told) {
    switch (attribute->rta_type & NLA_TYPE_MASK) {
        case PACKET_DIAG_INFO: told.info = value_of<packet_diag_info>(attribute); break;
        case PACKET_DIAG_MCLIST: told.memberships = count_memberships(attribute); break;
        case PACKET_DIAG_RX_RING: told.rx_ring = value_of<packet_diag_ring>(attribute); break;
        case PACKET_DIAG_TX_RING: told.tx_ring = value_of<packet_diag_ring>(attribute); break;
        case PACKET_DIAG_FANOUT: told.fanout = value_of<std::uint32_t>(attribute); break;
        case PACKET_DIAG_MEMINFO: told.meminfo = value_of<std::array<std::uint32_t, SK_MEMINFO_VARS>>(attribute); break;
        case PACKET_DIAG_FILTER: told.filter = RTA_PAYLOAD(attribute) > 0; break;
        default: break;
    }
}

std::uint32_t option_flags(std::uint32_t pdi) {
    std::uint32_t flags = 0;
    if (pdi & PDI_RUNNING) flags |= SR_PACKET_RUNNING;
    if (pdi & PDI_AUXDATA) flags |= SR_PACKET_AUXDATA;
    if (pdi & PDI_ORIGDEV) flags |= SR_PACKET_ORIGDEV;
    if (pdi & PDI_LOSS) flags |= SR_PACKET_LOSS;
    return flags;
}

sr_socket_ring ring_of(const std::optional<packet_diag_ring>& ring) {
    if (!ring) return {};
    return {ring->pdr_block_nr, ring->pdr_block_size, ring->pdr_frame_nr, ring->pdr_frame_size};
}

// Of one dump, which asks for these together.
void add_basics(const PacketDiag& told, SystemSocket& socket) {
    sr_socket_entry& entry = socket.entry;
    entry.protocol = htons(told.socket.pdiag_num);
    entry.ifindex = static_cast<std::int32_t>(told.info->pdi_index);
    entry.flags = option_flags(told.info->pdi_flags);
    entry.tp_version = told.info->pdi_version;
    entry.tp_reserve = told.info->pdi_reserve;
    entry.copy_thresh = static_cast<std::int32_t>(told.info->pdi_copy_thresh);
    entry.tp_tstamp = told.info->pdi_tstamp;
    socket.vnet_hdr = told.info->pdi_flags & PDI_VNETHDR;
    entry.rx_ring = ring_of(told.rx_ring);
    entry.tx_ring = ring_of(told.tx_ring);
    if (told.rx_ring) entry.retire_blk_tov = told.rx_ring->pdr_retire_tmo;
    if (told.fanout) {
        entry.flags |= SR_PACKET_FANOUT;
        entry.fanout_id = static_cast<std::uint16_t>(*told.fanout);
        entry.fanout_type = static_cast<std::uint8_t>(*told.fanout >> 16);
    }
    entry.rmem_alloc = (*told.meminfo)[SK_MEMINFO_RMEM_ALLOC];
    entry.rcvbuf = (*told.meminfo)[SK_MEMINFO_RCVBUF];
    entry.wmem_alloc = (*told.meminfo)[SK_MEMINFO_WMEM_ALLOC];
    entry.sndbuf = (*told.meminfo)[SK_MEMINFO_SNDBUF];
    entry.sk_drops = (*told.meminfo)[SK_MEMINFO_DROPS];
    socket.source = Source::sock_diag;
}

using Cookie = std::array<std::uint32_t, 2>;  // never given twice, as inodes are

Cookie cookie_of(const PacketDiag& told) {
    return {told.socket.pdiag_cookie[0], told.socket.pdiag_cookie[1]};
}

// Asks for PACKET_SHOW_* `what` of all packet sockets of the namespace.
int dump(std::uint32_t what, const std::function<void(const PacketDiag&)>& take) {
    packet_diag_req request{};
    request.sdiag_family = AF_PACKET;
    request.pdiag_show = what;
    return netlink_dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, std::as_bytes(std::span(&request, 1)),
                        [&](const nlmsghdr* message) {
                            const auto* payload = static_cast<const std::byte*>(NLMSG_DATA(message));
                            if (const auto told = decode_packet_diag({payload, NLMSG_PAYLOAD(message, 0)})) take(*told);
                        });
}

}  // namespace

std::optional<PacketDiag> decode_packet_diag(std::span<const std::byte> payload) {
    PacketDiag told;
    if (payload.size() < sizeof told.socket) return std::nullopt;
    std::memcpy(&told.socket, payload.data(), sizeof told.socket);
    if (told.socket.pdiag_family != AF_PACKET) return std::nullopt;
    auto left = static_cast<int>(payload.size() - sizeof told.socket);  // RTA_NEXT may go below 0
    for (const auto* one = reinterpret_cast<const rtattr*>(payload.data() + sizeof told.socket); RTA_OK(one, left);
         one = RTA_NEXT(one, left))
        read_attribute(one, told);
    return told;
}

void add_packet_diag(const PacketDiag& told, SystemSocket& socket) {
    if (told.info && told.meminfo) add_basics(told, socket);
    if (told.memberships) {
        std::ranges::copy(*told.memberships, socket.entry.memberships);
        socket.memberships_known = true;
    }
    if (told.filter) {
        socket.entry.flags |= SR_PACKET_FILTER;
        socket.filter_known = true;
    }
}

// Memberships and filters have no bound that matters, and a dump ends, without a word, at the first socket whose
// message finds no room in the kernel's buffer (packet_diag_dump). So they are asked for apart: what is cut off then is
// theirs alone.
int ask_packet_diag(std::span<SystemSocket* const> sockets) {
    std::map<std::uint64_t, SystemSocket*> by_inode;
    std::map<Cookie, SystemSocket*> by_cookie;
    for (SystemSocket* socket : sockets) by_inode.emplace(socket->entry.ino, socket);
    const int error = dump(PACKET_SHOW_INFO | PACKET_SHOW_RING_CFG | PACKET_SHOW_FANOUT | PACKET_SHOW_MEMINFO,
                           [&](const PacketDiag& told) {
                               const auto found = by_inode.find(told.socket.pdiag_ino);
                               if (found == by_inode.end()) return;
                               if (found->second->entry.sock_type != told.socket.pdiag_type) return;
                               add_packet_diag(told, *found->second);
                               if (found->second->source == Source::sock_diag)
                                   by_cookie.emplace(cookie_of(told), found->second);
                           });
    if (error) return error;
    for (const std::uint32_t what : {PACKET_SHOW_MCLIST, PACKET_SHOW_FILTER})
        (void)dump(what, [&](const PacketDiag& told) {
            const auto found = by_cookie.find(cookie_of(told));
            if (found != by_cookie.end()) add_packet_diag(told, *found->second);
        });
    return 0;
}

}  // namespace sockray
