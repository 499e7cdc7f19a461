#include "user/correlate/tap_frame.h"

#include <linux/if_ether.h>

namespace sockray {
namespace {

std::uint16_t number_at(std::span<const std::byte> bytes, std::size_t offset) {
    if (bytes.size() < offset + 2) return 0;
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[offset]) << 8 |
                                      std::to_integer<unsigned>(bytes[offset + 1]));
}

}  // namespace

std::uint16_t ethertype_of(const TapFrame& frame) {
    switch (frame.interface->link_type) {
        case linktype_ethernet: {
            const std::uint16_t number = number_at(frame.bytes, 2 * std::size_t{ETH_ALEN});
            return number >= ETH_P_802_3_MIN ? number : 0;  // else the length of an IEEE 802.3 frame
        }
        case linktype_linux_sll2: return number_at(frame.bytes, 0);
        case linktype_raw: {
            if (frame.bytes.empty()) return 0;
            const unsigned version = std::to_integer<unsigned>(frame.bytes[0]) >> 4;
            return version == 4 ? ETH_P_IP : version == 6 ? ETH_P_IPV6 : 0;
        }
        default: return 0;
    }
}

}  // namespace sockray
