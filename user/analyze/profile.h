// What of a session is held against another one: paths, outcomes, reasons, how each stage is known, and times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "user/analyze/blocks.h"
#include "user/analyze/histogram.h"
#include "user/analyze/reasons.h"
#include "user/base/origin.h"
#include "user/base/plan.h"
#include "user/correlate/path.h"
#include "user/correlate/sink.h"

namespace sockray {

struct PathProfile {
    StageBySlot stages{};  // passed_stages()
    std::uint64_t sends = 0;
    // ns: how long the stage took; of a moment, the time since the entry of packet_sendmsg. Empty where it is that of a
    // call that makes several sends.
    std::array<Histogram, SR_SLOT_COUNT> times;
};

// Its memory is bounded, however many sends it sees.
class Profile : public Sink {
  public:
    static constexpr std::size_t paths_kept = 64;

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void send(const Send& send) override;
    void end(const Ending& ending) override;

    const Origin& origin() const { return origin_; }
    const Plan& plan() const { return plan_; }
    const Ending& ending() const { return ending_; }
    // In the order first seen; their place is their number in blocks(). Sends of further paths have none.
    const std::vector<PathProfile>& paths() const { return paths_; }
    const Blocks& blocks() const { return blocks_; }
    const Reasons& reasons() const { return reasons_; }
    std::uint64_t sends() const { return sends_; }
    const std::array<std::uint64_t, outcome_count>& outcomes() const { return outcomes_; }

  private:
    std::size_t path_of(const StageBySlot& stages);

    Origin origin_;
    Plan plan_;
    Ending ending_;
    std::vector<PathProfile> paths_;
    std::size_t last_ = 0;  // most sends go the way of the one before
    Blocks blocks_;
    Reasons reasons_;
    std::uint64_t sends_ = 0;
    std::array<std::uint64_t, outcome_count> outcomes_{};
};

}  // namespace sockray
