#include "user/correlate/vnet_check.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "user/base/format.h"

namespace sockray {
namespace {

// include/uapi/linux/virtio_net.h, which is not for C++.
constexpr std::uint8_t flag_needs_csum = 1;
constexpr std::uint8_t gso_none = 0;
constexpr std::uint8_t gso_tcp_v4 = 1;
constexpr std::uint8_t gso_udp = 3;
constexpr std::uint8_t gso_tcp_v6 = 4;
constexpr std::uint8_t gso_udp_l4 = 5;  // known to kernels since 6.2
constexpr std::uint8_t gso_ecn = 0x80;  // a flag of the type
constexpr std::uint32_t sum_bytes = 2;  // of a checksum
constexpr std::uint16_t gso_by_frags = 0xffff;
constexpr std::uint16_t tcp_sum_at = 16;  // offsetof(struct tcphdr, check)
constexpr std::uint16_t udp_sum_at = 6;

// packet_snd takes it as little endian whatever the machine's order is (vio_le).
struct Header {
    std::uint8_t flags, gso_type;
    std::uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

Header header_of(const sr_send& record) {
    const auto word = [&](std::size_t at) {
        return static_cast<std::uint16_t>(record.vnet[at] | record.vnet[at + 1] << 8);
    };
    return {record.vnet[0], record.vnet[1], word(2), word(4), word(6), word(8)};
}

bool needs_csum(const Header& header) {
    return header.flags & flag_needs_csum;
}

std::string csum_words(const Header& header) {
    return fmt::format("csum_start {} + csum_offset {} + {}", header.csum_start, header.csum_offset, sum_bytes);
}

// __packet_snd_vnet_parse: the header is to reach up to the checksum, in 16 bits.
std::string parse_error(const Header& header, std::uint64_t length) {
    std::uint16_t hdr_len = header.hdr_len;
    const std::uint32_t csum_end = std::uint32_t{header.csum_start} + header.csum_offset + sum_bytes;
    const bool raised = needs_csum(header) && csum_end > hdr_len;
    if (raised) hdr_len = static_cast<std::uint16_t>(csum_end);
    if (hdr_len <= length) return {};
    if (raised)
        return fmt::format("the checksum that it asks for ({} = {}) ends behind the frame's {} bytes",
                           csum_words(header), hdr_len, length);
    return fmt::format("hdr_len {} is more than the frame's {} bytes", hdr_len, length);
}

std::string_view gso_name(std::uint8_t type) {
    switch (type & ~gso_ecn) {
        case gso_tcp_v4: return "TCPV4";
        case gso_tcp_v6: return "TCPV6";
        case gso_udp: return "UDP";
        case gso_udp_l4: return "UDP_L4";
        default: return {};
    }
}

std::string gso_words(const Header& header) {
    return fmt::format("gso_type {} ({})", header.gso_type, gso_name(header.gso_type));
}

bool is_tcp(std::uint8_t type) {
    const int plain = type & ~gso_ecn;
    return plain == gso_tcp_v4 || plain == gso_tcp_v6;
}

// Of the transport header, without options.
std::uint32_t transport_bytes(std::uint8_t type) {
    constexpr std::uint32_t tcp = 20;
    constexpr std::uint32_t udp = 8;
    if (type == gso_none) return 0;
    return is_tcp(type) ? tcp : udp;
}

std::string csum_error(const Header& header, std::uint64_t length) {
    const std::uint32_t transport = transport_bytes(header.gso_type);
    const std::uint32_t csum_end = header.csum_offset + sum_bytes;
    const std::uint32_t needed = header.csum_start + std::max(transport, csum_end);
    if (needed <= length) return {};
    if (transport > csum_end)
        return fmt::format("csum_start {} and the transport header of {} bytes end behind the frame's {} bytes",
                           header.csum_start, transport, length);
    return fmt::format("the checksum that it asks for ({} = {}) ends behind the frame's {} bytes", csum_words(header),
                       needed, length);
}

std::string gso_error(const Header& header) {
    const bool csum = needs_csum(header);
    const bool ecn = header.gso_type & gso_ecn;
    if (is_tcp(header.gso_type)) {
        if (csum && header.csum_offset != tcp_sum_at)
            return fmt::format("csum_offset {}: {} wants that of a TCP header, {}", header.csum_offset,
                               gso_words(header), tcp_sum_at);
    } else if ((header.gso_type & ~gso_ecn) == gso_udp_l4) {
        if (!csum)
            return fmt::format("{} without VIRTIO_NET_HDR_F_NEEDS_CSUM in flags {}", gso_words(header), header.flags);
        if (header.csum_offset != udp_sum_at)
            return fmt::format("csum_offset {}: {} wants that of a UDP header, {}", header.csum_offset,
                               gso_words(header), udp_sum_at);
        if (ecn) return fmt::format("{} with VIRTIO_NET_HDR_GSO_ECN, which is of TCP", gso_words(header));
    }
    if (header.gso_size == gso_by_frags)
        return fmt::format("gso_size {} is the kernel's own mark (GSO_BY_FRAGS)", gso_by_frags);
    return {};
}

// Kernels since 6.12 (in some stable series earlier) want room for an IP header.
std::string network_error(const Header& header) {
    constexpr std::uint16_t ipv4 = 20;
    constexpr std::uint16_t ipv6 = 40;
    const bool is_v6 = (header.gso_type & ~gso_ecn) == gso_tcp_v6;
    const std::uint16_t least = is_v6 ? ipv6 : ipv4;
    if (!needs_csum(header) || header.csum_start >= least) return {};
    return fmt::format("csum_start {} leaves no room for an IP header of {} bytes", header.csum_start, least);
}

}  // namespace

std::string refused_vnet_header(const sr_send& record, std::uint64_t length, bool allocated) {
    const Header header = header_of(record);
    if (std::string wrong = parse_error(header, length); !wrong.empty() || !allocated) return wrong;
    // What follows looks at the frame as it is to be sent.
    const std::uint64_t built = length + (record.sock_type == SOCK_DGRAM ? record.hard_header_len : 0);
    const bool gso = header.gso_type != gso_none;
    if (gso && gso_name(header.gso_type).empty())
        return fmt::format("gso_type {} is none that the kernel knows", header.gso_type);
    if (gso && header.gso_size == 0) return fmt::format("{} with gso_size 0", gso_words(header));
    if (needs_csum(header))
        if (std::string wrong = csum_error(header, built); !wrong.empty()) return wrong;
    if (gso)
        if (std::string wrong = gso_error(header); !wrong.empty()) return wrong;
    if (std::string wrong = network_error(header); !wrong.empty()) return wrong;
    if (gso && !needs_csum(header))
        return fmt::format("{}, but the frame is no such packet, or ends within its headers", gso_words(header));
    if ((header.gso_type & ~gso_ecn) == gso_udp_l4)
        return fmt::format(
            "{}: kernels before 6.2 do not know it, and later ones refuse more segments of gso_size {} than "
            "UDP_MAX_SEGMENTS",
            gso_words(header), header.gso_size);
    return {};
}

std::string vnet_checks(bool allocated) {
    return allocated
               ? "one of virtio_net_hdr_to_skb's checks: gso_type unknown or not that of the frame, gso_size 0, or "
                 "csum_start + csum_offset behind the frame's end"
               : "__packet_snd_vnet_parse: hdr_len, or csum_start + csum_offset + 2, is more than the frame's length";
}

}  // namespace sockray
