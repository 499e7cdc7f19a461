// The loopback device.
#pragma once

namespace sockray {

// LOOPBACK_IFINDEX: lo is the first device of every network namespace (drivers/net/loopback.c, loopback_net_init).
inline constexpr int loopback_ifindex = 1;

}  // namespace sockray
