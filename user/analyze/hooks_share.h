// The hooks' own share of a stage's time: an estimate. What tracing adds to a plain send, which was measured, is spread
// evenly over the programs that such a send runs; a stage has the share of those that run between the two readings of
// the clock which its time is made of.
#pragma once

#include <cstdint>
#include <optional>

#include "user/analyze/chain.h"
#include "user/base/plan.h"
#include "user/base/tracing_cost.h"

namespace sockray {

class HooksShare {
  public:
    // `plan` must stay. `cost`: of a send by sendto through a SOCK_RAW socket and a device without a queue.
    HooksShare(const Plan& plan, const TracingCost& cost);

    // Programs that a plain send runs, and the share of one of them in ns.
    double programs() const { return programs_; }
    double one_ns() const { return programs_ > 0 ? cost_ns_ / programs_ : 0; }

    // What of `ns`, the time of this slot's stage on this path, is not the hooks'; at least 0. None where that cannot
    // be told: the entry of sendmmsg is that of many sends.
    std::optional<std::uint64_t> without(const Path& path, int slot, std::uint64_t ns) const;

  private:
    double programs_of(Stage stage) const;

    const Plan& plan_;
    double cost_ns_;
    double programs_ = 0;
};

}  // namespace sockray
