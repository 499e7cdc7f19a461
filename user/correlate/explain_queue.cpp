#include "user/correlate/explain_queue.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "user/base/format.h"
#include "user/correlate/kernel_values.h"

namespace sockray {
namespace {

constexpr std::string_view dropped_the_frame = "dropped the frame";

std::string reason_of(const sr_send& record, const KernelNames& names) {
    return record.flags & SR_SEND_DROP ? names.drop_reason(record.drop_reason) : "";
}

// The function that freed the frame, without the offset in it.
std::string place_of(const sr_send& record, const KernelNames& names) {
    if (!(record.flags & SR_SEND_DROP) || !record.drop_location) return {};
    const std::string place = names.symbol(record.drop_location);
    return place.substr(0, place.find('+'));
}

bool is_of_a_qdisc(const std::string& reason) {
    return reason.starts_with("QDISC") || reason.starts_with("FQ_") || reason.starts_with("CAKE_");
}

// The frame had come by the queue of the send's own device, and its driver passes it on: __dev_queue_xmit of another
// one. (Of several segments the driver may have another one.)
bool was_given_on(const sr_send& record) {
    if (record.drop_in_driver || record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT) return true;
    return record.span[SR_SLOT_DRIVER].start && record.driver_ret < netdev_tx_busy && record.segments < 2;
}

// The filters at the egress come before the queue, inside of __dev_queue_xmit.
bool was_queued(const sr_send& record) {
    const std::uint64_t returned = record.span[SR_SLOT_XMIT].end;
    return record.span[SR_SLOT_ENQUEUE].start || record.span[SR_SLOT_DEQUEUE].start ||
           ((record.flags & SR_SEND_DROP) && returned && record.drop_ns > returned);
}

// A queue's frames are freed where it is reset or changed, most of them when that lets go of the rtnl lock
// (net/core/rtnetlink.c: rtnl_kfree_skbs).
bool was_flushed(const std::string& place) {
    return place == "__rtnl_unlock" || place == "rtnl_unlock" || place == "netdev_run_todo" ||
           place.ends_with("_reset") || place.ends_with("_destroy") || place == "__qdisc_reset_queue";
}

bool is_noqueue(const sr_send& record) {
    return std::string_view(record.qdisc) == "noqueue";
}

// Kinds of which another qdisc is a part: what that drops has the same reason and place as what they drop themselves.
bool may_have_others_below(std::string_view kind) {
    constexpr std::array<std::string_view, 16> kinds = {"atm",  "cbq", "cbs",    "drr",   "dsmark", "ets",
                                                        "hfsc", "htb", "multiq", "netem", "prio",   "qfq",
                                                        "red",  "sfb", "taprio", "tbf"};
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

// mq and mqprio have a qdisc for each transmit queue, and no queue themselves.
bool has_no_queue_itself(std::string_view kind) {
    return kind == "mq" || kind == "mqprio";
}

std::string below(const sr_send& record) {
    return fmt::format("a qdisc of a device below {}", interface_of(record));
}

std::string dropped_by_queue(const sr_send& record, const std::string& cause) {
    if (has_no_queue_itself(record.qdisc))
        return fmt::format("a qdisc below {} {}{}", queue_of(record), dropped_the_frame, cause);
    return fmt::format("{}{} {}{}", queue_of(record), may_have_others_below(record.qdisc) ? ", or one below it," : "",
                       dropped_the_frame, cause);
}

std::string dropped_on_the_way(const sr_send& record, const std::string& cause) {
    if (is_noqueue(record))
        return fmt::format("a filter at the egress of {}, or the kernel on the way to its driver, {}{}",
                           interface_of(record), dropped_the_frame, cause);
    return fmt::format("{}{}, or a filter at its egress, {}{}", queue_of(record),
                       may_have_others_below(record.qdisc) ? ", one below it" : "", dropped_the_frame, cause);
}

}  // namespace

std::string interface_of(const sr_send& record) {
    if (record.ifname[0]) return record.ifname;
    return record.ifindex ? fmt::format("interface {}", record.ifindex) : "the interface";
}

std::string in_brackets(const std::string& reason) {
    return reason.empty() ? "" : " (" + reason + ")";
}

std::string drop_cause(const sr_send& record, const KernelNames& names) {
    std::string cause = reason_of(record, names);
    if (cause.empty() || !record.drop_location) return cause;
    // The functions that free say nothing of who dropped.
    if (const std::string place = names.symbol(record.drop_location); !place.starts_with("kfree_skb"))
        cause += " at " + place;
    return cause;
}

bool has_no_carrier(const sr_send& record) {
    return std::string_view(record.qdisc) == "noop";
}

std::string explain_no_carrier(const sr_send& record, const std::string& cause) {
    return fmt::format("{} has no carrier, and takes nothing in{}", interface_of(record), in_brackets(cause));
}

std::string queue_of(const sr_send& record) {
    if (!record.qdisc[0]) return fmt::format("the qdisc of {}", interface_of(record));
    return fmt::format("the {} qdisc of {}", record.qdisc, interface_of(record));
}

std::string keeper_of(const sr_send& record) {
    return is_noqueue(record) ? below(record) : queue_of(record);
}

bool dropped_below(const sr_send& record, const KernelNames& names) {
    const std::string reason = reason_of(record, names);
    if (!is_of_a_qdisc(reason) && reason != "TC_EGRESS") return false;
    return was_given_on(record) || (is_noqueue(record) && was_queued(record));
}

std::string explain_drop_below(const sr_send& record, const KernelNames& names, const std::string& cause, bool told) {
    const std::string reason = in_brackets(cause);
    if (reason_of(record, names) == "TC_EGRESS")
        return fmt::format("a tc filter at the egress of a device below {} {}{}", interface_of(record),
                           dropped_the_frame, reason);
    return fmt::format("{} {}{}{}", below(record), dropped_the_frame,
                       told || was_queued(record) ? "" : ", or that device has no carrier", reason);
}

std::string explain_driver_drop(const sr_send& record, const KernelNames& names) {
    if (dropped_below(record, names))
        return explain_drop_below(record, names, reason_of(record, names), record.ret < 0);
    return fmt::format("the driver of {} {}{}", interface_of(record), dropped_the_frame,
                       in_brackets(drop_cause(record, names)));
}

QueueDrop queue_drop(const sr_send& record, const KernelNames& names) {
    if (dropped_below(record, names)) return QueueDrop::below;
    const std::string reason = reason_of(record, names);
    const std::string place = place_of(record, names);
    // The filters come before the queue, whether that takes anything in or not.
    if (reason.starts_with("TC_")) return QueueDrop::tc_filter;
    if (reason.starts_with("NETFILTER")) return QueueDrop::netfilter;
    if (was_flushed(place)) return QueueDrop::flushed;
    if (has_no_carrier(record)) return QueueDrop::no_carrier;
    // noqueue takes nothing in that it could drop.
    if (is_noqueue(record) && is_of_a_qdisc(reason)) return QueueDrop::no_carrier_or_below;
    if (is_noqueue(record) && was_queued(record)) return QueueDrop::below;
    const bool of_a_qdisc = is_of_a_qdisc(reason) || place.find("_dequeue") != std::string::npos ||
                            place.find("_enqueue") != std::string::npos || was_queued(record);
    return of_a_qdisc ? QueueDrop::queue : QueueDrop::queue_or_filter;
}

std::string explain_queue_drop(const sr_send& record, const KernelNames& names, const std::string& cause) {
    const std::string in = in_brackets(cause);
    switch (queue_drop(record, names)) {
        case QueueDrop::below: return explain_drop_below(record, names, cause, record.ret < 0);
        case QueueDrop::tc_filter:
            return fmt::format("a tc filter at the egress of {} {}{}", interface_of(record), dropped_the_frame, in);
        case QueueDrop::netfilter:
            return fmt::format("netfilter at the egress of {} {}{}", interface_of(record), dropped_the_frame, in);
        case QueueDrop::flushed:
            return fmt::format(
                "the frame was still in {} when that was emptied{}: the qdisc was replaced or changed, or the "
                "interface went down or away",
                has_no_carrier(record) ? fmt::format("the qdisc of {}", interface_of(record)) : keeper_of(record), in);
        case QueueDrop::no_carrier: return explain_no_carrier(record, cause);
        case QueueDrop::no_carrier_or_below:
            return fmt::format("{} has no carrier, or {} {}{}", interface_of(record), below(record), dropped_the_frame,
                               in);
        case QueueDrop::queue: return dropped_by_queue(record, in);
        case QueueDrop::queue_or_filter: break;
    }
    return dropped_on_the_way(record, in);
}

}  // namespace sockray
