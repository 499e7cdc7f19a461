#include "user/analyze/profile.h"

#include "user/analyze/stage_time.h"

namespace sockray {

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
        const auto ns = stage_time_ns(send.record, path.stages, slot);
        if (!ns) continue;
        path.times[static_cast<std::size_t>(slot)].add(*ns);
        blocks_.time(number, slot, *ns);
    }
}

}  // namespace sockray
