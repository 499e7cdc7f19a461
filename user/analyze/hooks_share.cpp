#include "user/analyze/hooks_share.h"

#include <cmath>
#include <string_view>

#include "user/correlate/path.h"

namespace sockray {

HooksShare::HooksShare(const Plan& plan, const TracingCost& cost)
    : plan_(plan), cost_ns_(static_cast<double>(cost.median_ns)) {
    for (const Stage stage : {Stage::sys_sendto, Stage::sockfd_lookup, Stage::sock_sendmsg_inner, Stage::packet_sendmsg,
                              Stage::packet_snd, Stage::alloc, Stage::copy, Stage::parse, Stage::packet_xmit,
                              Stage::queue_xmit, Stage::start_xmit, Stage::ndo})
        programs_ += programs_of(stage);
}

double HooksShare::programs_of(Stage stage) const {
    const PlanLine* line = plan_.find(stage);
    if (!line || (line->evidence != Evidence::probed && line->evidence != Evidence::located)) return 0;
    if (line->partly) return 0;  // of a plain send, which the cost was measured on, it returns at once
    // Around the driver's function are two tracepoints.
    return stage == Stage::ndo || line->hook.find('+') != std::string::npos ? 2 : 1;
}

std::optional<std::uint64_t> HooksShare::without(const Path& path, int slot, std::uint64_t ns) const {
    const std::string_view entry = path.entries.empty() ? "" : std::string_view(path.entries.front());
    const StageBySlot stages = with_derived(path.stages, entry, plan_);
    if (stages[static_cast<std::size_t>(slot)] == Stage::sys_sendmmsg) return std::nullopt;
    const auto depths = depth_by_slot(stages);
    // Its own: of the program at its begin what comes behind the reading of the clock, of that at its end what comes
    // before.
    double inside = 1;
    for (int other = slot + 1; other < SR_SLOT_COUNT; other++) {
        const auto at = static_cast<std::size_t>(other);
        if (stages[at] == Stage::none) continue;
        if (depths[at] <= depths[static_cast<std::size_t>(slot)]) break;
        if (path.times[at].hits && !is_behind(path, other)) inside += programs_of(stages[at]);
    }
    const double left = static_cast<double>(ns) - inside * one_ns();
    return left > 0 ? static_cast<std::uint64_t>(std::llround(left)) : 0;
}

}  // namespace sockray
