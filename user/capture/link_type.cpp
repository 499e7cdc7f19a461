#include "user/capture/link_type.h"

#include <linux/if_arp.h>

namespace sockray {

LinkType link_type_of(std::uint16_t arphrd) {
    switch (arphrd) {
        case ARPHRD_ETHER:
        case ARPHRD_LOOPBACK: return {linktype_ethernet, false};
        case ARPHRD_IEEE80211: return {linktype_ieee802_11, false};
        case ARPHRD_IEEE80211_PRISM: return {linktype_ieee802_11_prism, false};
        case ARPHRD_IEEE80211_RADIOTAP: return {linktype_ieee802_11_radiotap, false};
        case ARPHRD_IEEE802154: return {linktype_ieee802_15_4, false};
        case ARPHRD_NONE:
        case ARPHRD_RAWIP:
        case ARPHRD_TUNNEL:
        case ARPHRD_SIT: return {linktype_raw, false};
        default: return {};
    }
}

}  // namespace sockray
