// Questions to the kernel over netlink, answered for the network namespace of the calling thread.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace sockray {

// Asks for all there are of a kind: a request of `type` with `body` behind its header, to one of the NETLINK_*
// protocols. Hands `take` each message of the answer, whole within its nlmsg_len and aligned; it is there only during
// the call. Returns 0, or the positive errno: `take` may then have had a part. EAGAIN: what was asked about changed
// meanwhile, and some of it may be missing.
int netlink_dump(int protocol, std::uint16_t type, std::span<const std::byte> body,
                 const std::function<void(const nlmsghdr*)>& take);

// The positive errno of a message NLMSG_ERROR.
int netlink_error(const nlmsghdr* message);

}  // namespace sockray
