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
extern const std::array<StageInfo, stage_count - 1> all_stages;

// So many hits of a stage's hooks.
struct StageHits {
    Stage stage = Stage::none;
    std::uint64_t hits = 0;
};

// "none" for Stage::none and for numbers that no stage has.
const StageInfo& stage_info(Stage stage);
inline std::string_view stage_name(Stage stage) {
    return stage_info(stage).name;
}

}  // namespace sockray
