#include "user/base/link_type.h"

#include <linux/if_arp.h>

#include <algorithm>
#include <array>

namespace sockray {
namespace {

constexpr std::uint16_t ax25_kiss = 202;
constexpr std::uint16_t token_ring = 6;
constexpr std::uint16_t arcnet_linux = 129;
constexpr std::uint16_t fddi = 10;
constexpr std::uint16_t c_hdlc = 104;
constexpr std::uint16_t ieee802_11 = 105;
constexpr std::uint16_t frame_relay = 107;
constexpr std::uint16_t ieee802_11_prism = 119;
constexpr std::uint16_t ieee802_11_radiotap = 127;
constexpr std::uint16_t ieee802_15_4_nofcs = 230;  // the device adds and takes off the checksum
constexpr std::uint16_t vsock = 271;

// Not in all kernels' headers.
constexpr std::uint16_t arphrd_rawip = 519;
constexpr std::uint16_t arphrd_vsockmon = 826;

struct Row {
    std::uint16_t arphrd;
    std::uint16_t linktype;  // of the frame as the device gets it
    bool cooked = false;     // when it is captured
};

// The first of those with the same link type is the one that device_type_of() tells. CAN and netlink are none of it:
// what LINKTYPE_* says of them is in another byte order, or behind another header, than the device has it.
constexpr std::array table = {
    Row{ARPHRD_ETHER, linktype_ethernet},
    Row{ARPHRD_LOOPBACK, linktype_ethernet},
    Row{ARPHRD_AX25, ax25_kiss},
    Row{ARPHRD_IEEE802, token_ring},
    Row{ARPHRD_IEEE802_TR, token_ring},
    Row{ARPHRD_ARCNET, arcnet_linux},
    Row{ARPHRD_FDDI, fddi},
    Row{ARPHRD_CISCO, c_hdlc},
    Row{ARPHRD_FRAD, frame_relay},
    Row{ARPHRD_IEEE80211, ieee802_11},
    Row{ARPHRD_IEEE80211_PRISM, ieee802_11_prism},
    Row{ARPHRD_IEEE80211_RADIOTAP, ieee802_11_radiotap},
    Row{ARPHRD_IEEE802154, ieee802_15_4_nofcs},
    Row{arphrd_vsockmon, vsock},
    Row{ARPHRD_NONE, linktype_raw},
    Row{ARPHRD_TUNNEL, linktype_raw},
    Row{ARPHRD_SIT, linktype_raw},
    Row{ARPHRD_SLIP, linktype_raw},
    Row{ARPHRD_CSLIP, linktype_raw},
    Row{ARPHRD_SLIP6, linktype_raw},
    Row{ARPHRD_CSLIP6, linktype_raw},
    Row{ARPHRD_ADAPT, linktype_raw},
    Row{ARPHRD_RAWHDLC, linktype_raw},
    Row{ARPHRD_DLCI, linktype_raw},
    // Of these libpcap cooks what it captures; what the device gets is an IP header all the same: the frame's own, or
    // with a tunnel that has no fixed other end the outer one.
    Row{ARPHRD_PPP, linktype_raw, true},
    Row{arphrd_rawip, linktype_raw, true},
    Row{ARPHRD_TUNNEL6, linktype_raw, true},
    Row{ARPHRD_IPGRE, linktype_raw, true},
    Row{ARPHRD_IP6GRE, linktype_raw, true},
};

const Row* row_of(std::uint16_t arphrd) {
    const auto* const row = std::ranges::find(table, arphrd, &Row::arphrd);
    return row == table.end() ? nullptr : row;
}

}  // namespace

LinkType link_type_of(std::uint16_t arphrd) {
    const Row* row = row_of(arphrd);
    return row && !row->cooked ? LinkType{row->linktype, false} : LinkType{};
}

std::uint16_t frame_link_type(std::uint16_t arphrd) {
    const Row* row = row_of(arphrd);
    return row ? row->linktype : linktype_user0;
}

std::uint16_t device_type_of(std::uint16_t linktype) {
    const auto* const row = std::ranges::find(table, linktype, &Row::linktype);
    return row == table.end() ? std::uint16_t{0} : row->arphrd;
}

}  // namespace sockray
