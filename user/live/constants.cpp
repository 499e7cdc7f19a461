#include "user/live/constants.h"

#include <linux/if_ether.h>
#include <sys/socket.h>

#include "user/base/format.h"

namespace sockray {

std::string_view sock_type_name(int type) {
    switch (type) {
        case SOCK_STREAM: return "SOCK_STREAM";
        case SOCK_DGRAM: return "SOCK_DGRAM";
        case SOCK_RAW: return "SOCK_RAW";
        case SOCK_RDM: return "SOCK_RDM";
        case SOCK_SEQPACKET: return "SOCK_SEQPACKET";
        case SOCK_PACKET: return "SOCK_PACKET";
        default: return {};
    }
}

std::string_view ethertype_name(std::uint16_t protocol) {
    switch (protocol) {
        case ETH_P_ALL: return "ETH_P_ALL";
        case ETH_P_802_2: return "ETH_P_802_2";
        case ETH_P_IP: return "ETH_P_IP";
        case ETH_P_ARP: return "ETH_P_ARP";
        case ETH_P_RARP: return "ETH_P_RARP";
        case ETH_P_8021Q: return "ETH_P_8021Q";
        case ETH_P_IPV6: return "ETH_P_IPV6";
        case ETH_P_PAUSE: return "ETH_P_PAUSE";
        case ETH_P_SLOW: return "ETH_P_SLOW";
        case ETH_P_MPLS_UC: return "ETH_P_MPLS_UC";
        case ETH_P_PPP_DISC: return "ETH_P_PPP_DISC";
        case ETH_P_PPP_SES: return "ETH_P_PPP_SES";
        case ETH_P_PAE: return "ETH_P_PAE";
        case ETH_P_PROFINET: return "ETH_P_PROFINET";
        case ETH_P_ETHERCAT: return "ETH_P_ETHERCAT";
        case ETH_P_8021AD: return "ETH_P_8021AD";
        case ETH_P_802_EX1: return "ETH_P_802_EX1";
        case ETH_P_LLDP: return "ETH_P_LLDP";
        case ETH_P_MACSEC: return "ETH_P_MACSEC";
        case ETH_P_1588: return "ETH_P_1588";
        case ETH_P_PRP: return "ETH_P_PRP";
        case ETH_P_FCOE: return "ETH_P_FCOE";
        case ETH_P_TSN: return "ETH_P_TSN";
        case ETH_P_LOOPBACK: return "ETH_P_LOOPBACK";
        default: return {};
    }
}

std::string family_text(int family) {
    return family == AF_PACKET ? "AF_PACKET" : fmt::format("{}", family);
}

std::string sock_type_text(int type) {
    const std::string_view name = sock_type_name(type);
    return name.empty() ? fmt::format("{}", type) : std::string(name);
}

std::string ethertype_text(std::uint16_t protocol) {
    const std::string_view name = ethertype_name(protocol);
    if (!name.empty()) return std::string(name);
    return protocol == 0 ? "0" : fmt::format("0x{:04x}", protocol);
}

}  // namespace sockray
