#include "user/correlate/outcome.h"

#include <algorithm>
#include <cerrno>

#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/correlate/explain.h"
#include "user/correlate/explain_queue.h"
#include "user/correlate/kernel_values.h"

namespace sockray {
namespace {

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
    if (seen(record, SR_SLOT_ALLOC) && !has_frame(record) && !seen(record, SR_SLOT_XMIT)) {
        // net/core/sock.c: sock_alloc_send_pskb returns these; what comes behind it in packet_snd are other errors
        switch (-record.ret) {
            case EAGAIN:
            case ENOBUFS:
            case EINTR:
            case EPIPE:
            case ENETDOWN:
            case erestartsys: return Stage::alloc;
            default: break;
        }
    }
    // packet_snd has this error before the allocation and behind it too.
    if (-record.ret == EMSGSIZE && allocation_failed(record)) return Stage::alloc;
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
    const Stage driver = seen(record, SR_SLOT_DRIVER) ? stage_in(record, SR_SLOT_DRIVER) : Stage::ndo;
    const Stage where = record.drop_in_driver ? driver : stage_in(record, SR_SLOT_XMIT);
    const std::string cause = drop_cause(record, names);
    if (where == Stage::queue_xmit && record.ifname[0])
        return {Outcome::dropped, where, explain_queue_drop(record, names, cause)};
    if (record.ifname[0] && dropped_below(record, names))
        return {Outcome::dropped, where,
                explain_drop_below(record, names, fmt::format("{}, inside {}", cause, stage_name(where)), false)};
    // NETDEV_TX_OK and no reason: net/hsr/hsr_forward.c, hsr_forward_skb, ends so whether it has sent copies or not.
    // Past the qdisc the driver is the one that freed what __dev_direct_xmit calls taken.
    const bool was_taken =
        where == Stage::direct_xmit ? record.xmit_ret == 0 : record.drop_in_driver && record.driver_ret == 0;
    const bool says_nothing = was_taken && names.drop_reason(record.drop_reason) == "NOT_SPECIFIED";
    return {Outcome::dropped, where,
            fmt::format("{}, inside {}{}{}", cause, stage_name(where),
                        record.ifname[0] ? fmt::format(" on {}", record.ifname) : "",
                        says_nothing ? ": the driver freed the frame as dropped and gives no reason; one that sends "
                                       "copies of it does that too, and counts it as sent"
                                     : "")};
}

std::string share(std::uint64_t part, std::uint64_t whole) {
    return whole > 1 ? fmt::format("{} of {} segments: ", part, whole) : "";
}

Verdict driver_drop(const sr_send& record) {
    return {Outcome::dropped, Stage::ndo,
            fmt::format("the driver of {} dropped the frame (it returned {})", record.ifname, record.driver_ret)};
}

// The frame was followed by its skb, and not all of it came to a driver.
Verdict not_all_taken(const Send& send, const KernelNames& names) {
    const sr_send& record = send.record;
    const std::uint64_t frames = std::max<std::uint64_t>(record.segments, 1);
    if (record.drops || record.driver_drops) {
        Verdict verdict = record.drops ? drop(record, names) : driver_drop(record);
        verdict.reason = share(record.drops + record.driver_drops, frames) + verdict.reason;
        return verdict;
    }
    const Stage xmit = stage_in(record, SR_SLOT_XMIT);
    const std::string part = share(frames - record.driver_hits, frames);
    if (send.frame_end == FrameEnd::queued)
        return {Outcome::queued, xmit,
                fmt::format("{}still in {}{} when tracing ended",
                            share(frames - record.driver_hits - send.frames_consumed, frames), keeper_of(record),
                            queue_is_stopped(record) ? ", which was stopped," : "")};
    if (send.frame_end == FrameEnd::lost)
        return {
            Outcome::unknown, xmit,
            fmt::format("{}tracing lost what became of the frame in {}: the record of its end found no room, or the "
                        "kernel skipped a hook",
                        part, queue_of(record))};
    return {Outcome::unknown, xmit,
            fmt::format("{}the frame was consumed before a driver of {} had it: redirected or taken by a filter, or "
                        "the kernel skipped a hook",
                        part, record.ifname)};
}

// Of a frame that was not seen to be handed on. By the allocation a frame is known (bpf/frame.bpf.h): where that was
// not seen to give one, these may have been hooked in vain.
const char* hook_skipped_before_xmit(const sr_send& record) {
    if (record.alloc_hits || body(record) == Stage::packet_sendmsg_spkt)
        return "the kernel skipped the hook on __dev_queue_xmit or __dev_direct_xmit";
    return seen(record, SR_SLOT_ALLOC) ? "the kernel skipped the hook on the return of sock_alloc_send_pskb"
                                       : "the kernel skipped the hook on sock_alloc_send_pskb";
}

// The caller was told that all is well, and no driver was seen to take the frame.
Verdict not_taken(const sr_send& record, const Plan& plan) {
    const Stage xmit = stage_in(record, SR_SLOT_XMIT);
    if (!seen(record, SR_SLOT_XMIT))
        return {Outcome::unknown, Stage::none,
                plan.evidence(Stage::queue_xmit) == Evidence::absent ? "this kernel offers no hook on __dev_queue_xmit"
                                                                     : hook_skipped_before_xmit(record)};
    if (record.flags & SR_SEND_UNTRACKED)
        return {
            Outcome::unknown, xmit,
            fmt::format("the frame went into {}, and there was no room to follow it (--in-flight)", queue_of(record))};
    if (plan.evidence(Stage::start_xmit) == Evidence::absent)
        return {Outcome::unknown, xmit, "this kernel offers no hook on dev_hard_start_xmit"};
    if (seen(record, SR_SLOT_DRIVER) && record.span[SR_SLOT_DRIVER].end == 0)
        return {Outcome::unknown, Stage::start_xmit,
                "the kernel skipped the hook on the return of dev_hard_start_xmit"};
    if (seen(record, SR_SLOT_DRIVER) && record.driver_ret > 0 && record.driver_ret < netdev_tx_busy) {
        Verdict verdict = driver_drop(record);
        verdict.stage = Stage::start_xmit;
        return verdict;
    }
    if (xmit == Stage::queue_xmit && record.xmit_ret == 0 && !seen(record, SR_SLOT_DRIVER))
        return {Outcome::unknown, xmit,
                fmt::format("{} took the frame, and it came to no driver of {}: a filter took or redirected it (tc, "
                            "netfilter), or the kernel skipped a hook{}",
                            stage_name(xmit), interface_of(record),
                            plan.evidence(Stage::freed) == Evidence::absent ? "; --stages full tells more" : "")};
    return {Outcome::unknown, xmit, fmt::format("{} returned {}", stage_name(xmit), record.xmit_ret)};
}

Verdict judge_there(const Send& send, const Plan& plan, const KernelNames& names) {
    const sr_send& record = send.record;
    if (record.flags & SR_SEND_TRACKED) {
        if (record.driver_hits >= std::max<std::uint32_t>(record.segments, 1))
            return {Outcome::delivered, Stage::none, ""};
        return not_all_taken(send, names);
    }
    // Without the driver's hook nobody knows whether the frame was still the send's own when it was freed. A frame that
    // is dropped before the xmit stage fails its call (net/packet/af_packet.c: packet_snd, tpacket_snd): where it did
    // not, the kernel skipped the hook there, and what that would have told is lost.
    if ((record.flags & SR_SEND_DROP) && seen(record, SR_SLOT_XMIT) &&
        plan.evidence(Stage::start_xmit) != Evidence::absent)
        return drop(record, names);
    if (record.driver_hits > 0) return {Outcome::delivered, Stage::none, ""};
    return not_taken(record, plan);
}

// What became of it is told of the device that it came to.
Verdict judge_passed_on(const Send& send, const Plan& plan, const KernelNames& names) {
    Send there = send;
    std::copy(std::begin(send.record.passed_on_to), std::end(send.record.passed_on_to),
              std::begin(there.record.ifname));
    there.record.qdisc[0] = 0;
    Verdict verdict = judge_there(there, plan, names);
    if (!verdict.reason.empty()) verdict.reason = explain_passing_on(send.record) + "; there: " + verdict.reason;
    return verdict;
}

}  // namespace

Verdict judge(const Send& send, const Plan& plan, const KernelNames& names) {
    const sr_send& record = send.record;
    if (!(record.flags & SR_SEND_RETURNED)) return lost_return(record);
    if (record.ret < 0) return {Outcome::failed, failed_in(record), explain_failure(record, names)};
    if (record.flags & SR_SEND_SKIPPED)
        return {Outcome::failed, body(record),
                "the ring's frame is not well-formed, and PACKET_LOSS is set: the kernel passed over it"};
    return record.flags & SR_SEND_PASSED_ON ? judge_passed_on(send, plan, names) : judge_there(send, plan, names);
}

}  // namespace sockray
