// Who dropped a frame between its allocation and the wire, in a sentence: a filter, a queue, the driver, or a device
// below it. Pure.
#pragma once

#include <string>

#include "bpf/records.h"
#include "user/base/kernel_names.h"

namespace sockray {

// "QDISC_DROP at __dev_queue_xmit+0x7d4", without the place where that is but a function that frees; empty where the
// kernel did not drop the frame.
std::string drop_cause(const sr_send& record, const KernelNames& names);

// Who freed a frame that __dev_queue_xmit did not bring to a driver, by the kernel's reason, the function that freed
// it, and when that was: kinds of qdisc that tell no reason of their own are known by the latter two.
enum class QueueDrop {
    tc_filter,            // at the egress of the send's device
    netfilter,            // the same
    queue,                // the qdisc of the send's device
    queue_or_filter,      // nothing tells these two apart
    flushed,              // the queue was emptied: replaced, or its interface went down
    no_carrier,           // the send's device takes nothing in
    no_carrier_or_below,  // of its own it has no queue
    below                 // a queue or filter of a device below the send's own
};
QueueDrop queue_drop(const sr_send& record, const KernelNames& names);

// The same in a sentence, with this cause in brackets.
std::string explain_queue_drop(const sr_send& record, const KernelNames& names, const std::string& cause);

// Who dropped a frame that the driver of the send's device was given.
std::string explain_driver_drop(const sr_send& record, const KernelNames& names);

// Whether a queue, or the filters before it, of a device below the send's own dropped the frame: on a VLAN, a bridge, a
// bond. Which device that is is not recorded.
bool dropped_below(const sr_send& record, const KernelNames& names);

// "a qdisc of a device below br0 dropped the frame (QDISC_DROP)". `told`: the sender was told of it, which it is not
// where that device has no carrier.
std::string explain_drop_below(const sr_send& record, const KernelNames& names, const std::string& cause, bool told);

// An interface that is up has the qdisc noop where it has no carrier (net/sched/sch_generic.c: dev_deactivate).
bool has_no_carrier(const sr_send& record);
std::string explain_no_carrier(const sr_send& record, const std::string& cause);

// "the tbf qdisc of eth0": the root, as far as it is known.
std::string queue_of(const sr_send& record);

// The queue that keeps the frame: never noqueue, which keeps none.
std::string keeper_of(const sr_send& record);

// "eth0", or as much as is known of it.
std::string interface_of(const sr_send& record);

// " (reason)"; empty without one.
std::string in_brackets(const std::string& reason);

}  // namespace sockray
