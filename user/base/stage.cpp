#include "user/base/stage.h"

namespace sockray {

constexpr std::array<StageInfo, stage_count - 1> all_stages = {{
    {Stage::sock_create, "__sock_create", -1},
    {Stage::packet_create, "packet_create", -1},
    {Stage::sys_sendto, "__sys_sendto", SR_SLOT_ENTRY},
    {Stage::sys_sendmsg, "__sys_sendmsg", SR_SLOT_ENTRY},
    {Stage::sys_sendmmsg, "__sys_sendmmsg", SR_SLOT_ENTRY},
    {Stage::sock_write_iter, "sock_write_iter", SR_SLOT_ENTRY},
    {Stage::sockfd_lookup, "sockfd_lookup_light", SR_SLOT_LOOKUP},
    {Stage::sock_sendmsg, "sock_sendmsg", SR_SLOT_SOCK},
    {Stage::sock_sendmsg_inner, "__sock_sendmsg", SR_SLOT_INNER},
    {Stage::packet_sendmsg, "packet_sendmsg", SR_SLOT_SENDMSG},
    {Stage::packet_sendmsg_spkt, "packet_sendmsg_spkt", SR_SLOT_SENDMSG},
    {Stage::packet_snd, "packet_snd", SR_SLOT_BODY},
    {Stage::tpacket_snd, "tpacket_snd", SR_SLOT_BODY},
    {Stage::alloc, "sock_alloc_send_pskb", SR_SLOT_ALLOC},
    {Stage::wait, "schedule_timeout", SR_SLOT_WAIT},
    {Stage::copy, "skb_copy_datagram_from_iter", SR_SLOT_COPY},
    {Stage::parse, "packet_parse_headers", SR_SLOT_PARSE},
    {Stage::packet_xmit, "packet_xmit", SR_SLOT_PACKET_XMIT},
    {Stage::queue_xmit, "__dev_queue_xmit", SR_SLOT_XMIT},
    {Stage::direct_xmit, "__dev_direct_xmit", SR_SLOT_XMIT},
    {Stage::enqueue, "qdisc_enqueue", SR_SLOT_ENQUEUE},
    {Stage::dequeue, "qdisc_dequeue", SR_SLOT_DEQUEUE},
    {Stage::start_xmit, "dev_hard_start_xmit", SR_SLOT_DRIVER},
    {Stage::ndo, "ndo_start_xmit", SR_SLOT_NDO},
    {Stage::packet_rcv, "packet_rcv", SR_SLOT_RECEIVE},
    {Stage::tpacket_rcv, "tpacket_rcv", SR_SLOT_RECEIVE},
    {Stage::freed, "skb_freed", SR_SLOT_FREED},
}};

namespace {

// Where each stage stands in the table, from 1 on, by its number; 0: nowhere. (It is asked for with each stage of each
// send that is read.)
constexpr std::array<std::uint8_t, stage_count> places_by_number() {
    std::array<std::uint8_t, stage_count> places{};
    for (std::size_t i = 0; i < all_stages.size(); i++)
        places[static_cast<std::size_t>(all_stages[i].stage)] = static_cast<std::uint8_t>(i + 1);
    return places;
}

}  // namespace

const StageInfo& stage_info(Stage stage) {
    static constexpr StageInfo none{Stage::none, "none", -1};
    static constexpr auto places = places_by_number();
    const auto number = static_cast<std::size_t>(stage);
    return number < places.size() && places[number] ? all_stages[places[number] - 1U] : none;
}

}  // namespace sockray
