#include "user/base/stage.h"

namespace sockray {

const std::array<StageInfo, stage_count - 1> all_stages = {{
    {Stage::sock_create, "__sock_create", "socket() looks up the protocol family", -1},
    {Stage::packet_create, "packet_create", "the packet family makes the socket", -1},
    {Stage::sys_sendto, "__sys_sendto", "sendto() and send() enter the kernel", SR_SLOT_ENTRY},
    {Stage::sys_sendmsg, "__sys_sendmsg", "sendmsg() enters the kernel", SR_SLOT_ENTRY},
    {Stage::sys_sendmmsg, "__sys_sendmmsg", "sendmmsg() enters the kernel", SR_SLOT_ENTRY},
    {Stage::sock_write_iter, "sock_write_iter", "write() and writev() reach the socket", SR_SLOT_ENTRY},
    {Stage::sockfd_lookup, "sockfd_lookup_light", "from the descriptor to the socket", SR_SLOT_LOOKUP},
    {Stage::sock_sendmsg, "sock_sendmsg", "the socket layer's own way in", SR_SLOT_SOCK},
    {Stage::sock_sendmsg_inner, "__sock_sendmsg", "security check, then sock->ops->sendmsg", SR_SLOT_INNER},
    {Stage::packet_sendmsg, "packet_sendmsg", "chooses packet_snd or tpacket_snd", SR_SLOT_SENDMSG},
    {Stage::packet_sendmsg_spkt, "packet_sendmsg_spkt", "the same for SOCK_PACKET", SR_SLOT_SENDMSG},
    {Stage::packet_snd, "packet_snd", "checks, builds and hands over one frame", SR_SLOT_BODY},
    {Stage::tpacket_snd, "tpacket_snd", "sends the frames of a TX ring", SR_SLOT_BODY},
    {Stage::alloc, "sock_alloc_send_pskb", "memory for the frame, from the send buffer", SR_SLOT_ALLOC},
    {Stage::queue_xmit, "__dev_queue_xmit", "through the qdisc", SR_SLOT_XMIT},
    {Stage::direct_xmit, "__dev_direct_xmit", "past the qdisc (PACKET_QDISC_BYPASS)", SR_SLOT_XMIT},
    {Stage::start_xmit, "dev_hard_start_xmit", "taps, then the driver", SR_SLOT_DRIVER},
}};

const StageInfo& stage_info(Stage stage) {
    static constexpr StageInfo none{Stage::none, "none", "", -1};
    for (const StageInfo& info : all_stages)
        if (info.stage == stage) return info;
    return none;
}

}  // namespace sockray
