#include "user/analyze/profile.h"

#include <optional>

namespace sockray {
namespace {

// What stands around packet_sendmsg is the time of a whole call where that makes several sends.
bool is_of_one_send(const StageBySlot& stages, int slot) {
    if (slot >= SR_SLOT_OUTER) return true;
    return stages[SR_SLOT_BODY] != Stage::tpacket_snd && stages[SR_SLOT_ENTRY] != Stage::sys_sendmmsg;
}

std::optional<std::uint64_t> time_in(const sr_send& record, int slot) {
    if (record.stage[slot] == SR_STAGE_NONE || record.span[slot].start == 0) return std::nullopt;
    const std::uint64_t from = is_moment(slot) ? record.span[SR_SLOT_SENDMSG].start : record.span[slot].start;
    const std::uint64_t to =
        is_moment(slot) ? record.span[slot].start : record.span[slot == SR_SLOT_BODY ? SR_SLOT_SENDMSG : slot].end;
    if (from == 0 || to < from) return std::nullopt;
    return to - from;
}

}  // namespace

void Profile::begin(const Origin& origin, const Plan& plan, const KernelNames&) {
    origin_ = origin;
    plan_ = plan;
}

void Profile::end(const Ending& ending) {
    ending_ = ending;
}

std::size_t Profile::path_of(const StageBySlot& stages) {
    if (last_ < paths_.size() && paths_[last_].stages == stages) return last_;
    for (last_ = 0; last_ < paths_.size(); last_++)
        if (paths_[last_].stages == stages) return last_;
    if (paths_.size() == paths_kept) return Blocks::no_path;
    paths_.emplace_back().stages = stages;
    return last_;
}

void Profile::send(const Send& send) {
    sends_++;
    outcomes_[static_cast<std::size_t>(send.outcome)]++;
    reasons_.add(send);
    const std::size_t number = path_of(passed_stages(send.record));
    blocks_.send(number, send.outcome);
    if (number == Blocks::no_path) return;
    PathProfile& path = paths_[number];
    path.sends++;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        if (!is_of_one_send(path.stages, slot)) continue;
        const auto ns = time_in(send.record, slot);
        if (!ns) continue;
        path.times[static_cast<std::size_t>(slot)].add(*ns);
        blocks_.time(number, slot, *ns);
    }
}

}  // namespace sockray
