// One question to rtnetlink: what is this link? Answered for the network namespace of the calling thread,
// which sysfs would not do (its view is that of whoever mounted it).
#pragma once

#include <linux/if_link.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace sockray {

struct Link {
    std::string name;  // the kernel's name, also where an alternative name was asked for
    int ifindex = 0;
    std::uint16_t type = 0;                  // ARPHRD_*
    std::uint32_t flags = 0;                 // IFF_*
    std::uint32_t mtu = 0;                   // bytes
    std::size_t address_len = 0;             // bytes of the hardware address, also where it is longer than `address`
    std::array<std::uint8_t, 32> address{};  // MAX_ADDR_LEN
    rtnl_link_stats64 stats{};
};

// Asks for a link by its index, or by its name where ifindex is 0 (1 to 15 bytes, not checked here). Returns
// 0, or the positive errno: ENODEV where there is no such link (net/core/rtnetlink.c, rtnl_getlink).
int get_link(int ifindex, const std::string& name, Link& link);

}  // namespace sockray
