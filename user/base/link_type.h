// How the frames of a device begin: by its type (ARPHRD_*) the LINKTYPE_* that capture files name it by. One table, for
// what is captured and for the frames of sends.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sockray {

// Of the registry www.tcpdump.org/linktypes.html, those that something here looks at.
inline constexpr std::uint16_t linktype_ethernet = 1;
inline constexpr std::uint16_t linktype_raw = 101;    // begins with an IPv4 or IPv6 header
inline constexpr std::uint16_t linktype_user0 = 147;  // bytes that nobody dissects
inline constexpr std::uint16_t linktype_linux_sll2 = 276;

// The header that SLL2 puts before each frame in the place of its own.
inline constexpr std::size_t sll2_header_bytes = 20;

struct LinkType {
    std::uint16_t linktype = linktype_linux_sll2;
    // The link's own header is taken off by the kernel (SOCK_DGRAM) and an SLL2 header stands in its place.
    bool cooked = true;
};

// What packet sockets on a device of this type (ARPHRD_*, linux/if_arp.h) capture. Cooked is what libpcap cooks too
// (pcap-linux.c, map_arphrd_to_dlt): headers that differ between drivers, or are not there at all; and what is not in
// the table.
LinkType link_type_of(std::uint16_t arphrd);

// The LINKTYPE_* of a frame as the device gets it, which nobody cooks; linktype_user0 where none fits.
std::uint16_t frame_link_type(std::uint16_t arphrd);

// A device type whose frames begin so; 0 where there is none.
std::uint16_t device_type_of(std::uint16_t linktype);

}  // namespace sockray
