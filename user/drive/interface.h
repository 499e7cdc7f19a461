// The interface that traffic goes out of: what user space can know of it, and its counters.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/result.h"

namespace sockray {

struct Interface {
    std::string name;
    int ifindex = 0;
    std::uint32_t mtu = 0;                  // bytes, without the link-layer header
    std::uint32_t flags = 0;                // IFF_*
    std::uint32_t netns_ino = 0;            // inode of the network namespace that it was found in
    std::uint16_t type = 0;                 // ARPHRD_*
    std::uint16_t hard_header_len = 0;      // bytes: 14 for ARPHRD_ETHER and ARPHRD_LOOPBACK, 0 for all others
    std::array<std::uint8_t, 6> address{};  // hardware address; zero where the link has none of 6 bytes
};

// A device's own sums since it was made: what its driver says, for all senders together.
// Loopback counts bytes without the Ethernet header (drivers/net/loopback.c, loopback_xmit), Ethernet devices
// with it.
struct DeviceCounters {
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_dropped = 0;
    std::uint64_t tx_errors = 0;
    std::uint64_t rx_packets = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t rx_dropped = 0;
    std::uint64_t rx_errors = 0;
    std::uint32_t tx_queues = 0;  // that it was made with: no sum
    bool ipv6 = false;            // it has IPv6, and it is not switched off there
};

inline constexpr std::string_view enter_its_namespace = "enter its network namespace: ip netns exec NAME sockray ...";

// Finds an interface by name in the network namespace of the calling thread. `usage` for a name that no
// interface can have (net/core/dev.c, dev_valid_name), `failed` for one that none has here: the error lists
// those there are, and says `elsewhere` of one that is in another namespace: what to do.
Result<Interface> find_interface(std::string_view name, std::string_view elsewhere = enter_its_namespace);

// Whether frames can leave through it now: `failed` with the remedy where it is down.
Status check_usable(const Interface& interface);

// Reads the counters of an interface in the network namespace of the calling thread. `failed` where it has
// gone.
Result<DeviceCounters> read_counters(const Interface& interface);

// What the qdisc at a device's root has counted since it was made, for all senders together. Frames that pass it by
// (PACKET_QDISC_BYPASS) are not among them.
struct QdiscCounters {
    std::string kind;           // "fq_codel"; "noqueue" counts nothing
    std::uint32_t handle = 0;   // another one: the qdisc was replaced
    std::uint64_t packets = 0;  // given out
    std::uint64_t bytes = 0;
    std::uint64_t drops = 0;
    std::uint64_t requeues = 0;
    std::uint64_t overlimits = 0;
    std::uint64_t qlen = 0;  // frames in it now
};

// In the network namespace of the calling thread. `failed` where the device has gone, or rtnetlink tells of no qdisc.
Result<QdiscCounters> read_qdisc_counters(const Interface& interface);

// What a device, and the qdisc at its root, have counted.
struct DeviceReading {
    Interface interface;  // its name, number and namespace alone
    DeviceCounters counters;
    std::optional<QdiscCounters> qdisc;  // none where rtnetlink tells of none
};

// In the network namespace of the calling thread, by the interface's number. None: it has gone.
Result<std::optional<DeviceReading>> read_device(const Interface& interface);

// Of all devices in the network namespace of the calling thread. Where others come and go all the time some may be
// missing: ask for them by read_device().
Result<std::vector<DeviceReading>> read_all_counters();

// A name as it may be shown on a terminal: bytes that are not printable ASCII become \xNN (interface names
// may hold nearly any byte), and what goes on after 64 bytes becomes "...".
std::string printable_name(std::string_view name);

}  // namespace sockray
