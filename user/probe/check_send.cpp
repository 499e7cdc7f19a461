#include "user/probe/check_send.h"

#include <algorithm>
#include <string>

#include "user/base/format.h"

namespace sockray {
namespace {

const sr_send* find_send(const CheckRecords& records, bool tx_ring) {
    for (const sr_send& send : records.sends)
        if (((send.flags & SR_SEND_TX_RING) != 0) == tx_ring) return &send;
    return nullptr;
}

// The stage behind which the body must have been hit, and the one before which it must have been.
std::string where_wrong(const sr_send& send, Stage stage) {
    if (send.body_hits != 1) return fmt::format("the check send hit it {} times instead of once", send.body_hits);
    if (send.stage[SR_SLOT_BODY] != static_cast<std::uint8_t>(stage))
        return fmt::format("the check send went through {}", stage_name(static_cast<Stage>(send.stage[SR_SLOT_BODY])));
    const std::uint64_t hit = send.span[SR_SLOT_BODY].start;
    const std::uint64_t next =
        send.span[SR_SLOT_ALLOC].start ? send.span[SR_SLOT_ALLOC].start : send.span[SR_SLOT_SENDMSG].end;
    if (hit < send.span[SR_SLOT_SENDMSG].start || (next && hit > next)) return "the check send hit it out of order";
    return {};
}

void review_body(Plan& plan, Stage stage, const sr_send* send, CheckVerdict& verdict) {
    PlanLine* line = plan.find(stage);
    if (!line || line->evidence != Evidence::located) return;
    const std::string wrong = send ? where_wrong(*send, stage) : "the check send left no record";
    if (!wrong.empty()) {
        verdict.withdrawn.push_back({stage, fmt::format("not located: {}", wrong)});
        return;
    }
    line->reason += fmt::format("; checked: a send hit it once, after packet_sendmsg's entry and before {}",
                                send->span[SR_SLOT_ALLOC].start ? "sock_alloc_send_pskb" : "its return");
}

// "__sys_sendto+0x1f4 < __x64_sys_sendto+0x20 < ...", from the caller of packet_sendmsg outwards.
std::string callers(const sr_stack& stack, const KernelSymbols& symbols, std::size_t most) {
    std::string text;
    const auto in_sendmsg = [&](std::uint64_t address) {
        return address && symbols.function_at(address) == "packet_sendmsg";
    };
    // What stands before it is the hook's own: a trampoline, the program (with fentry).
    bool inside = std::ranges::any_of(stack.address, in_sendmsg);
    // Between the callers stand the trampolines of those that have hooks of this kind themselves; packet_sendmsg's are
    // all in the kernel's own text.
    const std::uint64_t text_start = symbols.address("_stext").value_or(0);
    const std::uint64_t text_end = symbols.address("_etext").value_or(UINT64_MAX);
    bool reached = false;
    std::string last;
    for (const std::uint64_t address : stack.address) {
        if (!address || most == 0) break;
        reached = reached || in_sendmsg(address);
        if (inside && (!reached || in_sendmsg(address))) continue;
        inside = false;
        if (address < text_start || address >= text_end) continue;
        std::string function = symbols.function_at(address);
        if (function == last) continue;  // the call of its own trampoline
        last = std::move(function);
        text += (text.empty() ? "" : " < ") + symbols.describe(address);
        most--;
    }
    return text;
}

}  // namespace

CheckVerdict review_check(Plan& plan, const CheckRecords& records, const KernelSymbols& symbols) {
    CheckVerdict verdict;
    review_body(plan, Stage::packet_snd, find_send(records, false), verdict);
    review_body(plan, Stage::tpacket_snd, find_send(records, true), verdict);

    PlanLine* inner = plan.find(Stage::sock_sendmsg_inner);
    if (inner && inner->evidence == Evidence::derived && !records.stacks.empty()) {
        constexpr std::size_t frames = 2;
        const std::string stack = callers(records.stacks.front(), symbols, frames);
        if (!stack.empty())
            inner->reason = fmt::format(
                "inlined into its callers; the stack of the check send goes from packet_sendmsg "
                "straight to {}",
                stack);
    }
    return verdict;
}

}  // namespace sockray
