#include "user/correlate/outcome.h"

#include <fmt/format.h>

#include <cerrno>

#include "user/base/kernel_names.h"

namespace sockray {
namespace {

constexpr std::int32_t net_xmit_cn = 2;  // include/linux/netdevice.h: congestion, the frame was taken all the same

bool seen(const sr_send& record, int slot) {
    return record.span[slot].start != 0;
}

Stage stage_in(const sr_send& record, int slot) {
    return static_cast<Stage>(record.stage[slot]);
}

// packet_snd or tpacket_snd by the kernel's own condition, hooked or not; packet_sendmsg_spkt has no such body.
Stage body(const sr_send& record) {
    if (stage_in(record, SR_SLOT_SENDMSG) == Stage::packet_sendmsg_spkt) return Stage::packet_sendmsg_spkt;
    return record.flags & SR_SEND_TX_RING ? Stage::tpacket_snd : Stage::packet_snd;
}

Stage innermost_open(const sr_send& record) {
    for (int slot = SR_SLOT_DRIVER; slot > SR_SLOT_SENDMSG; slot--)
        if (slot != SR_SLOT_BODY && seen(record, slot) && record.span[slot].end == 0) return stage_in(record, slot);
    return body(record);
}

// Where a send that returned an error ended.
Stage failed_in(const sr_send& record) {
    if (seen(record, SR_SLOT_XMIT) && record.xmit_ret != 0) return stage_in(record, SR_SLOT_XMIT);
    if (seen(record, SR_SLOT_ALLOC) && !seen(record, SR_SLOT_XMIT)) {
        // net/core/sock.c: sock_alloc_send_pskb returns these; what comes behind it in packet_snd are other errors
        switch (-record.ret) {
            case EAGAIN:
            case ENOBUFS:
            case EINTR:
            case EPIPE:
            case ENETDOWN:
            case 512: return Stage::alloc;
            default: break;
        }
    }
    return body(record);
}

Verdict lost_return(const sr_send& record) {
    if (record.flags & SR_SEND_SWEPT) {
        const Stage where = innermost_open(record);
        return {Outcome::unknown, where, fmt::format("still inside {} when tracing ended", stage_name(where))};
    }
    return {Outcome::unknown, Stage::none, "the kernel skipped the hook on the return of packet_sendmsg"};
}

Verdict drop(const sr_send& record, const KernelNames& names) {
    const Stage where = record.drop_in_driver        ? stage_in(record, SR_SLOT_DRIVER)
                        : seen(record, SR_SLOT_XMIT) ? stage_in(record, SR_SLOT_XMIT)
                                                     : body(record);
    // The functions that free say nothing of who dropped.
    std::string place = names.symbol(record.drop_location);
    place = place.starts_with("kfree_skb") ? "" : " at " + place;
    return {Outcome::dropped, where,
            fmt::format("{}{}, inside {}{}", names.drop_reason(record.drop_reason), place, stage_name(where),
                        record.ifname[0] ? fmt::format(" on {}", record.ifname) : "")};
}

// The caller was told that all is well, and no driver was seen to take the frame.
Verdict not_taken(const sr_send& record, const Plan& plan) {
    const Stage xmit = stage_in(record, SR_SLOT_XMIT);
    if (!seen(record, SR_SLOT_XMIT))
        return {Outcome::unknown, Stage::none,
                plan.evidence(Stage::queue_xmit) == Evidence::absent
                    ? "this kernel offers no hook on __dev_queue_xmit"
                    : "the kernel skipped the hook on __dev_queue_xmit"};
    if (plan.evidence(Stage::start_xmit) == Evidence::absent)
        return {Outcome::unknown, xmit, "this kernel offers no hook on dev_hard_start_xmit"};
    if (seen(record, SR_SLOT_DRIVER) && record.span[SR_SLOT_DRIVER].end == 0)
        return {Outcome::unknown, Stage::start_xmit,
                "the kernel skipped the hook on the return of dev_hard_start_xmit"};
    // NETDEV_TX_BUSY is 0x10: the qdisc keeps the frame and tries again
    if (seen(record, SR_SLOT_DRIVER) && record.driver_ret > 0 && record.driver_ret < 0x10)
        return {Outcome::dropped, Stage::start_xmit,
                fmt::format("the driver of {} dropped the frame (it returned {})", record.ifname, record.driver_ret)};
    if (xmit == Stage::queue_xmit && (record.xmit_ret == 0 || record.xmit_ret == net_xmit_cn))
        return {Outcome::queued, xmit,
                fmt::format("in the qdisc of {} when the call returned{}", record.ifname,
                            seen(record, SR_SLOT_DRIVER) ? ": the driver was busy" : "")};
    return {Outcome::unknown, xmit, fmt::format("{} returned {}", stage_name(xmit), record.xmit_ret)};
}

// One call on a TX ring stands for all frames that it took from the ring.
Verdict judge_ring(const sr_send& record, const Plan& plan, const KernelNames& names) {
    if (record.driver_hits >= record.alloc_hits) return {Outcome::delivered, Stage::none, ""};
    Verdict verdict = record.flags & SR_SEND_DROP ? drop(record, names) : not_taken(record, plan);
    verdict.reason =
        fmt::format("{} of {} frames: {}", record.alloc_hits - record.driver_hits, record.alloc_hits, verdict.reason);
    return verdict;
}

}  // namespace

Verdict judge(const sr_send& record, const Plan& plan, const KernelNames& names) {
    if (!(record.flags & SR_SEND_RETURNED)) return lost_return(record);
    if (record.ret < 0) return {Outcome::failed, failed_in(record), explain_failure(record, names)};
    if (record.flags & SR_SEND_TX_RING) return judge_ring(record, plan, names);
    // Without the driver's hook nobody knows whether the frame was still the send's own when it was freed.
    if ((record.flags & SR_SEND_DROP) && plan.evidence(Stage::start_xmit) != Evidence::absent)
        return drop(record, names);
    if (record.driver_hits > 0) return {Outcome::delivered, Stage::none, ""};
    return not_taken(record, plan);
}

}  // namespace sockray
