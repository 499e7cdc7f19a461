// Numbers that the kernel returns inside of itself, of which no header of user space knows.
#pragma once

#include <cstdint>

namespace sockray {

// include/linux/errno.h: a signal ended the call. A program never sees it: the call returns EINTR or begins again.
inline constexpr int erestartsys = 512;

// include/linux/netdevice.h: the driver or its queue did not take the frame, which is kept and tried again. What is
// less, and is not an errno, has consumed the frame.
inline constexpr std::int32_t netdev_tx_busy = 0x10;

}  // namespace sockray
