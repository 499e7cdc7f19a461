// How the frames of an interface begin, in the words of pcap files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sockray {

// LINKTYPE_* numbers as they stand in pcap and pcapng files (www.tcpdump.org/linktypes.html).
inline constexpr std::uint16_t linktype_ethernet = 1;
inline constexpr std::uint16_t linktype_raw = 101;  // begins with an IPv4 or IPv6 header
inline constexpr std::uint16_t linktype_ieee802_11 = 105;
inline constexpr std::uint16_t linktype_ieee802_11_prism = 119;
inline constexpr std::uint16_t linktype_ieee802_11_radiotap = 127;
inline constexpr std::uint16_t linktype_ieee802_15_4 = 195;
inline constexpr std::uint16_t linktype_linux_sll2 = 276;

// The header that SLL2 puts before each frame in the place of its own.
inline constexpr std::size_t sll2_header_bytes = 20;

struct LinkType {
    std::uint16_t linktype = linktype_linux_sll2;
    // The link's own header is taken off by the kernel (SOCK_DGRAM) and an SLL2 header stands in its place.
    bool cooked = true;
};

// For a device type (ARPHRD_*, linux/if_arp.h). Types that are not in the table are cooked: their headers differ
// between drivers or are not there at all.
LinkType link_type_of(std::uint16_t arphrd);

}  // namespace sockray
