// What took a frame that its driver never got: each lost send is counted by one finding and no other.
#pragma once

#include "user/base/kernel_names.h"
#include "user/correlate/send.h"

namespace sockray {

enum class LostTo {
    nothing,         // delivered, queued, or not known
    send_buffer,     // no room in it, and the call did not wait, or not long enough
    qdisc,           // dropped or refused by the device's queue
    filter,          // tc or netfilter at the egress
    stopped_queue,   // the device's queue was stopped, or its driver busy
    driver,          // dropped by the driver
    length,          // longer than the interface takes
    ring_format,     // a frame of a TX ring that is not well-formed
    interface_down,  // ENETDOWN
    interface_gone,  // ENXIO, ENODEV: there is none, or none was named
    carrier,         // the interface is up and has no carrier
    other
};

// Pure; from what the kernel side recorded and the kernel's name of the drop reason.
LostTo lost_to(const Send& send, const KernelNames& names);

}  // namespace sockray
