#include "user/analyze/findings/lost_to.h"

#include <cerrno>

#include "user/correlate/explain.h"
#include "user/correlate/explain_queue.h"
#include "user/correlate/kernel_values.h"
#include "user/correlate/path.h"

namespace sockray {
namespace {

bool seen(const sr_send& record, int slot) {
    return record.span[slot].start != 0;
}

LostTo past_the_qdisc(const sr_send& record, const KernelNames& names) {
    if (record.xmit_ret == netdev_tx_busy) return LostTo::stopped_queue;
    switch (direct_drop(record, names)) {
        case DirectDrop::no_carrier: return LostTo::carrier;
        case DirectDrop::driver: return LostTo::driver;
        case DirectDrop::not_given: break;
    }
    return LostTo::other;
}

// Between the allocation and the driver.
LostTo on_the_way(const Send& send, const KernelNames& names) {
    const sr_send& record = send.record;
    if (record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT) return past_the_qdisc(record, names);
    switch (queue_drop(record, names)) {
        case QueueDrop::tc_filter:
        case QueueDrop::netfilter: return LostTo::filter;
        case QueueDrop::queue: return LostTo::qdisc;
        case QueueDrop::no_carrier:
        case QueueDrop::no_carrier_or_below: return LostTo::carrier;
        case QueueDrop::flushed:
        case QueueDrop::below: return LostTo::other;  // which device that was is not recorded
        case QueueDrop::queue_or_filter: break;
    }
    // What the sender was told by ENOBUFS comes from the qdisc, if it came that far.
    return send.outcome == Outcome::failed && seen(record, SR_SLOT_XMIT) ? LostTo::qdisc : LostTo::other;
}

LostTo dropped(const Send& send, const KernelNames& names) {
    const sr_send& record = send.record;
    if (dropped_below(record, names)) return LostTo::other;  // which device that was is not recorded
    if (record.drop_in_driver || (record.driver_drops && !record.drops) || send.end_stage == Stage::start_xmit ||
        send.end_stage == Stage::ndo)
        return LostTo::driver;
    return on_the_way(send, names);
}

LostTo no_buffers(const Send& send, const KernelNames& names) {
    const sr_send& record = send.record;
    if (record.flags & SR_SEND_PASSED_ON) return LostTo::filter;
    if (!seen(record, SR_SLOT_XMIT) && has_frame(record)) return on_the_way(send, names);
    if (!seen(record, SR_SLOT_XMIT))  // sock_wmalloc, which does not wait
        return record.stage[SR_SLOT_SENDMSG] == SR_STAGE_PACKET_SENDMSG_SPKT ? LostTo::send_buffer : LostTo::other;
    if (record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT) return past_the_qdisc(record, names);
    if (dropped_below(record, names)) return LostTo::other;
    return seen(record, SR_SLOT_DRIVER) || record.drop_in_driver ? LostTo::driver : on_the_way(send, names);
}

LostTo refused(const Send& send, const KernelNames& names) {
    const sr_send& record = send.record;
    const bool ring = record.flags & SR_SEND_TX_RING;
    if (record.flags & SR_SEND_SKIPPED) return LostTo::ring_format;
    switch (errno_of(record)) {
        case ENXIO:
        case ENODEV: return LostTo::interface_gone;
        case ENETDOWN: return seen(record, SR_SLOT_XMIT) ? LostTo::stopped_queue : LostTo::interface_down;
        case EMSGSIZE: return ring ? LostTo::ring_format : LostTo::length;
        case EINVAL: return ring ? LostTo::ring_format : LostTo::other;
        case EAGAIN:
        case EINTR:
        case erestartsys: return LostTo::send_buffer;
        case ENOBUFS: return no_buffers(send, names);
        default: return LostTo::other;
    }
}

}  // namespace

LostTo lost_to(const Send& send, const KernelNames& names) {
    if (send.outcome == Outcome::dropped) return dropped(send, names);
    if (send.outcome == Outcome::failed) return refused(send, names);
    return LostTo::nothing;
}

}  // namespace sockray
