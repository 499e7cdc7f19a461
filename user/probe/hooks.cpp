#include "user/probe/hooks.h"

#include "user/base/format.h"

namespace sockray {
namespace {

constexpr HookRow rows[] = {
    // stage, functions, program at the entry, program at the return, whether they take arguments
    {Stage::sock_create, {"__sock_create"}, "sock_create_enter", "sock_create_exit", true},
    {Stage::packet_create, {"packet_create"}, "packet_create_enter", "packet_create_exit", false},
    {Stage::sys_sendto, {"__sys_sendto"}, "syscall_enter", "entry_exit", true},
    {Stage::sys_sendmsg, {"__sys_sendmsg"}, "syscall_enter", "entry_exit", true},
    {Stage::sys_sendmmsg, {"__sys_sendmmsg"}, "syscall_enter", "entry_exit", true},
    {Stage::sock_write_iter, {"sock_write_iter"}, "write_enter", "entry_exit", true},
    {Stage::sockfd_lookup, {"sockfd_lookup_light"}, "lookup_enter", "lookup_exit", false},
    {Stage::sock_sendmsg, {"sock_sendmsg"}, "sock_enter", "sock_exit", false},
    {Stage::sock_sendmsg_inner, {"__sock_sendmsg"}, "sock_enter", "sock_exit", false},
    {Stage::packet_sendmsg, {"packet_sendmsg"}, "packet_sendmsg_enter", "packet_sendmsg_exit", true},
    {Stage::packet_sendmsg_spkt, {"packet_sendmsg_spkt"}, "packet_sendmsg_enter", "packet_sendmsg_exit", true},
    {Stage::packet_snd, {"packet_snd"}, "body_hit", "", false},
    {Stage::tpacket_snd, {"tpacket_snd"}, "body_hit", "", false},
    {Stage::alloc, {"sock_alloc_send_pskb"}, "alloc_enter", "alloc_exit", true},
    {Stage::wait, {"schedule_timeout"}, "wait_enter", "", false},
    {Stage::queue_xmit, {"__dev_queue_xmit", "dev_queue_xmit"}, "xmit_enter", "xmit_exit", true},
    {Stage::direct_xmit, {"__dev_direct_xmit", "dev_direct_xmit"}, "xmit_enter", "xmit_exit", true},
    {Stage::start_xmit, {"dev_hard_start_xmit"}, "driver_enter", "driver_exit", true},
    {Stage::copy, {"skb_copy_datagram_from_iter"}, "span_enter", "span_exit", false},
    {Stage::parse, {"packet_parse_headers"}, "span_enter", "span_exit", false},
    {Stage::packet_xmit, {"packet_xmit"}, "span_enter", "span_exit", false},
    {Stage::packet_rcv, {"packet_rcv"}, "receive_enter", "receive_exit", true},
    {Stage::tpacket_rcv, {"tpacket_rcv"}, "receive_enter", "receive_exit", true},
};

constexpr TracepointRow tracepoint_rows[] = {
    {Stage::enqueue, "qdisc_enqueue", "qdisc_took", false, "tracepoint qdisc_enqueue, behind the qdisc's own function"},
    {Stage::dequeue, "qdisc_dequeue", "qdisc_gave", false, "tracepoint qdisc_dequeue, behind the qdisc's own function"},
    {Stage::ndo, "net_dev_start_xmit", "driver_given", true,
     "the driver's own function, between the tracepoints net_dev_start_xmit and net_dev_xmit", Evidence::probed,
     "not asked for (--stages), and attached all the same: what becomes of a frame that its device may keep is known "
     "by "
     "it, and of those frames the stage is shown"},
    {Stage::ndo, "net_dev_xmit", "driver_took", true, ""},
    {Stage::freed, "consume_skb", "skb_consumed", true, "the skb's end: tracepoints consume_skb and kfree_skb",
     Evidence::absent,
     "not asked for (--stages): no send shows it; consume_skb and kfree_skb are attached all the same, drops are known "
     "by them"},
    {Stage::freed, "kfree_skb", "skb_freed", true, ""},
};

}  // namespace

std::span<const HookRow> hook_rows() {
    return rows;
}

std::span<const TracepointRow> tracepoints() {
    return tracepoint_rows;
}

std::string program_for(const HookRow& row, Backend backend, bool on_return) {
    switch (backend) {
        case Backend::fentry: return fmt::format("{}_{}", on_return ? "fexit" : "fentry", stage_name(row.stage));
        case Backend::kprobe_multi: return on_return ? "multi_exit" : "multi_enter";
        case Backend::kprobe: break;
    }
    return std::string(on_return ? row.exit : row.enter);
}

Absence absence_of(Stage stage) {
    switch (stage) {
        case Stage::packet_xmit:
            return {Evidence::absent,
                    "there is no such function here: packet_snd calls what po->xmit points to, dev_queue_xmit or "
                    "packet_direct_xmit"};
        case Stage::sockfd_lookup:
            return {
                Evidence::derived,
                "known by its result; there is no such symbol here, the system call looks the descriptor up itself, "
                "and the argument of packet_sendmsg is the socket that it found"};
        case Stage::sock_sendmsg_inner:
            return {
                Evidence::derived,
                "inlined into its callers; that a send passed it follows from the entry of packet_sendmsg, which it "
                "calls"};
        default:
            return {Evidence::absent,
                    "this kernel has no such function that can be hooked: it was inlined into every caller, or it does "
                    "not exist"};
    }
}

}  // namespace sockray
