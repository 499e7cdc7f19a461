#include "user/analyze/stage_time.h"

namespace sockray {
namespace {

// What stands around packet_sendmsg is the time of a whole call where that makes several sends.
bool is_of_one_send(const StageBySlot& stages, int slot) {
    if (slot >= SR_SLOT_OUTER) return true;
    return stages[SR_SLOT_BODY] != Stage::tpacket_snd && stages[SR_SLOT_ENTRY] != Stage::sys_sendmmsg;
}

}  // namespace

std::optional<std::uint64_t> stage_time_ns(const sr_send& record, const StageBySlot& stages, int slot) {
    if (!is_of_one_send(stages, slot)) return std::nullopt;
    if (record.stage[slot] == SR_STAGE_NONE || record.span[slot].start == 0) return std::nullopt;
    const std::uint64_t from = is_moment(slot) ? record.span[SR_SLOT_SENDMSG].start : record.span[slot].start;
    const std::uint64_t to =
        is_moment(slot) ? record.span[slot].start : record.span[slot == SR_SLOT_BODY ? SR_SLOT_SENDMSG : slot].end;
    if (from == 0 || to < from) return std::nullopt;
    return to - from;
}

}  // namespace sockray
