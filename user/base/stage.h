// The stages: named steps of the kernel's path. A stage's name is the kernel function's own name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bpf/records.h"

namespace sockray {

// The numbers are those of bpf/records.h (SR_STAGE_*): they travel in records and recordings.
enum class Stage : std::uint8_t {
    none = SR_STAGE_NONE,
    sock_create = SR_STAGE_SOCK_CREATE,
    packet_create = SR_STAGE_PACKET_CREATE,
    sys_sendto = SR_STAGE_SYS_SENDTO,
    sys_sendmsg = SR_STAGE_SYS_SENDMSG,
    sys_sendmmsg = SR_STAGE_SYS_SENDMMSG,
    sock_write_iter = SR_STAGE_SOCK_WRITE_ITER,
    sockfd_lookup = SR_STAGE_SOCKFD_LOOKUP,
    sock_sendmsg = SR_STAGE_SOCK_SENDMSG,
    sock_sendmsg_inner = SR_STAGE_SOCK_SENDMSG_INNER,
    packet_sendmsg = SR_STAGE_PACKET_SENDMSG,
    packet_sendmsg_spkt = SR_STAGE_PACKET_SENDMSG_SPKT,
    packet_snd = SR_STAGE_PACKET_SND,
    tpacket_snd = SR_STAGE_TPACKET_SND,
    alloc = SR_STAGE_ALLOC,
    queue_xmit = SR_STAGE_QUEUE_XMIT,
    direct_xmit = SR_STAGE_DIRECT_XMIT,
    start_xmit = SR_STAGE_START_XMIT,
    copy = SR_STAGE_COPY,
    parse = SR_STAGE_PARSE,
    packet_xmit = SR_STAGE_PACKET_XMIT,
    enqueue = SR_STAGE_ENQUEUE,
    dequeue = SR_STAGE_DEQUEUE,
    ndo = SR_STAGE_NDO,
    packet_rcv = SR_STAGE_PACKET_RCV,
    tpacket_rcv = SR_STAGE_TPACKET_RCV,
    freed = SR_STAGE_FREED,
    wait = SR_STAGE_WAIT,
};

inline constexpr std::size_t stage_count = SR_STAGE_COUNT;

struct StageInfo {
    Stage stage;
    std::string_view name;  // the kernel function's name, or that of the tracepoint or operation that stands for it
    int slot;               // SR_SLOT_* of a send's record, -1 for the stages of a socket's creation
};

// Stages that are a moment and no span of time.
constexpr bool is_moment(int slot) {
    return slot == SR_SLOT_ENQUEUE || slot == SR_SLOT_DEQUEUE || slot == SR_SLOT_RECEIVE || slot == SR_SLOT_FREED;
}

// All stages but `none`, in the order in which a socket and then a send passes them.
inline constexpr std::array<StageInfo, stage_count - 1> all_stages = {{
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

// So many hits of a stage's hooks.
struct StageHits {
    Stage stage = Stage::none;
    std::uint64_t hits = 0;
};

// Where a stage stands in all_stages; behind its end for Stage::none and for numbers that no stage has. (It is asked
// for with each stage of each send that is read.)
inline constexpr auto stage_places = [] {
    std::array<std::uint8_t, stage_count> places{};
    places.fill(all_stages.size());
    for (std::size_t i = 0; i < all_stages.size(); i++)
        places[static_cast<std::size_t>(all_stages[i].stage)] = static_cast<std::uint8_t>(i);
    return places;
}();
constexpr std::size_t stage_place(Stage stage) {
    const auto number = static_cast<std::size_t>(stage);
    return number < stage_places.size() ? stage_places[number] : all_stages.size();
}

// "none" for Stage::none and for numbers that no stage has.
inline constexpr StageInfo no_stage{Stage::none, "none", -1};
constexpr const StageInfo& stage_info(Stage stage) {
    const std::size_t place = stage_place(stage);
    return place < all_stages.size() ? all_stages[place] : no_stage;
}
constexpr std::string_view stage_name(Stage stage) {
    return stage_info(stage).name;
}

}  // namespace sockray
