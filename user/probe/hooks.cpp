#include "user/probe/hooks.h"

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
    {Stage::sock_sendmsg, {"sock_sendmsg"}, "sock_sendmsg_enter", "sock_sendmsg_exit", false},
    {Stage::sock_sendmsg_inner, {"__sock_sendmsg"}, "inner_sendmsg_enter", "inner_sendmsg_exit", false},
    {Stage::packet_sendmsg, {"packet_sendmsg"}, "packet_sendmsg_enter", "packet_sendmsg_exit", true},
    {Stage::packet_sendmsg_spkt, {"packet_sendmsg_spkt"}, "packet_sendmsg_enter", "packet_sendmsg_exit", true},
    {Stage::packet_snd, {"packet_snd"}, "body_hit", "", false},
    {Stage::tpacket_snd, {"tpacket_snd"}, "body_hit", "", false},
    {Stage::alloc, {"sock_alloc_send_pskb"}, "alloc_enter", "alloc_exit", true},
    {Stage::queue_xmit, {"__dev_queue_xmit", "dev_queue_xmit"}, "xmit_enter", "xmit_exit", true},
    {Stage::direct_xmit, {"__dev_direct_xmit", "dev_direct_xmit"}, "xmit_enter", "xmit_exit", true},
    {Stage::start_xmit, {"dev_hard_start_xmit"}, "driver_enter", "driver_exit", true},
};

}  // namespace

std::span<const HookRow> hook_rows() {
    return rows;
}

Absence absence_of(Stage stage) {
    switch (stage) {
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
