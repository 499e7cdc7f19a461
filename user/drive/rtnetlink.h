// Questions to rtnetlink: what is this link, and what has its qdisc counted? Answered for the network namespace of
// the calling thread, which sysfs would not do (its view is that of whoever mounted it).
#pragma once

#include <linux/gen_stats.h>
#include <linux/if_link.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sockray {

struct Link {
    std::string name;  // the kernel's name, also where an alternative name was asked for
    int ifindex = 0;
    std::uint16_t type = 0;                  // ARPHRD_*
    std::uint32_t flags = 0;                 // IFF_*
    std::uint32_t mtu = 0;                   // bytes
    std::size_t address_len = 0;             // bytes of the hardware address, also where it is longer than `address`
    std::array<std::uint8_t, 32> address{};  // MAX_ADDR_LEN
    std::uint32_t tx_queues = 0;             // that it was made with; those in use may be fewer
    bool ipv6 = false;                       // it has IPv6, and it is not switched off there
    rtnl_link_stats64 stats{};
};

// Asks for a link by its index, or by its name where ifindex is 0 (1 to 15 bytes, not checked here). Returns
// 0, or the positive errno: ENODEV where there is no such link (net/core/rtnetlink.c, rtnl_getlink).
int get_link(int ifindex, const std::string& name, Link& link);

// All links there are. Returns 0, or the positive errno. EAGAIN: links came or went meanwhile, again and again: some of
// those that stayed may be missing.
int get_links(std::vector<Link>& links);

// The qdisc at a device's root; mq sums up those of its queues (net/sched/sch_mq.c, mq_dump).
struct Qdisc {
    std::string kind;  // "fq_codel", "noqueue"
    std::uint32_t handle = 0;
    gnet_stats_queue queue{};   // qlen and backlog now; drops, requeues and overlimits since it was made
    std::uint64_t packets = 0;  // given out since it was made: segments of a GSO frame count one each
    std::uint64_t bytes = 0;
};

// Returns 0, or the positive errno: ENOENT where the device has none, or has gone.
int get_root_qdisc(int ifindex, Qdisc& qdisc);

// Those of all devices, by their indexes. Returns 0, or the positive errno.
int get_root_qdiscs(std::vector<std::pair<int, Qdisc>>& qdiscs);

}  // namespace sockray
