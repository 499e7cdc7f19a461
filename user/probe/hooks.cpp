#include "user/probe/hooks.h"

namespace sockray {
namespace {

constexpr std::string_view no_such =
    "this kernel has no such function that can be hooked: it was inlined into every caller, or it does not exist";

constexpr HookRow rows[] = {
    {Stage::sock_create, {"__sock_create", ""}, "sock_create_enter", "sock_create_exit", true, false, no_such,
     Evidence::absent},
    {Stage::packet_create, {"packet_create", ""}, "packet_create_enter", "packet_create_exit", false, false, no_such,
     Evidence::absent},
    {Stage::sys_sendto, {"__sys_sendto", ""}, "syscall_enter", "entry_exit", true, false, no_such, Evidence::absent},
    {Stage::sys_sendmsg, {"__sys_sendmsg", ""}, "syscall_enter", "entry_exit", true, false, no_such,
     Evidence::absent},
    {Stage::sys_sendmmsg, {"__sys_sendmmsg", ""}, "syscall_enter", "entry_exit", true, false, no_such,
     Evidence::absent},
    {Stage::sock_write_iter, {"sock_write_iter", ""}, "write_enter", "entry_exit", true, false, no_such,
     Evidence::absent},
    {Stage::sockfd_lookup, {"sockfd_lookup_light", ""}, "lookup_enter", "lookup_exit", false, false,
     "no such symbol here: the system call looks the descriptor up itself; which socket it found is read from the "
     "argument of packet_sendmsg",
     Evidence::derived},
    {Stage::sock_sendmsg, {"sock_sendmsg", ""}, "sock_sendmsg_enter", "sock_sendmsg_exit", false, false, no_such,
     Evidence::absent},
    {Stage::sock_sendmsg_inner, {"__sock_sendmsg", ""}, "inner_sendmsg_enter", "inner_sendmsg_exit", false, false,
     "no such symbol here: inlined into its callers; that a send passed it follows from the entry of packet_sendmsg, "
     "which only it calls",
     Evidence::derived},
    {Stage::packet_sendmsg, {"packet_sendmsg", ""}, "packet_sendmsg_enter", "packet_sendmsg_exit", true, true,
     no_such, Evidence::absent},
    {Stage::packet_sendmsg_spkt, {"packet_sendmsg_spkt", ""}, "packet_sendmsg_enter", "packet_sendmsg_exit", true,
     false, no_such, Evidence::absent},
    {Stage::packet_snd, {"packet_snd", ""}, "body_hit", "", false, false, "", Evidence::derived},
    {Stage::tpacket_snd, {"tpacket_snd", ""}, "body_hit", "", false, false, "", Evidence::derived},
    {Stage::alloc, {"sock_alloc_send_pskb", ""}, "alloc_enter", "alloc_exit", true, false, no_such, Evidence::absent},
    {Stage::queue_xmit, {"__dev_queue_xmit", "dev_queue_xmit"}, "xmit_enter", "xmit_exit", true, false, no_such,
     Evidence::absent},
    {Stage::direct_xmit, {"__dev_direct_xmit", "dev_direct_xmit"}, "xmit_enter", "xmit_exit", true, false, no_such,
     Evidence::absent},
    {Stage::start_xmit, {"dev_hard_start_xmit", ""}, "driver_enter", "driver_exit", true, false, no_such,
     Evidence::absent},
};

}  // namespace

std::span<const HookRow> hook_rows() {
    return rows;
}

}  // namespace sockray
