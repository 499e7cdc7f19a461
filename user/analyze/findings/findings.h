// Everything that stands out in a session, by the rules of rules.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "user/analyze/finding.h"
#include "user/analyze/findings/rule.h"
#include "user/analyze/looked.h"
#include "user/correlate/sink.h"

namespace sockray {

// Its memory is bounded, however many sends it sees.
class Findings : public Sink {
  public:
    Findings();

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void socket(const sr_socket& record, std::uint64_t id) override;
    void send(const Send& send) override;
    void end(const Ending& ending) override;

    // Behind end(): lost frames before time before information, and of each the most costly first.
    const std::vector<Finding>& result() const { return result_; }

    // Behind end().
    Looked looked() const;
    std::uint64_t sends() const { return totals_.sends; }
    // Behind end(): the frames of a capture that was not traced, which has no sends to judge; none: it was.
    std::optional<std::uint64_t> untraced_frames() const { return untraced_frames_; }

  private:
    void count_those_left_out(const Ending& ending);
    Subject seen_of(const LooksAt& looks_at) const;

    std::vector<std::unique_ptr<Rule>> rules_;
    Plan plan_;
    const KernelNames* names_ = nullptr;
    Totals totals_;
    bool cut_off_ = false;
    bool cut_by_count_ = false;
    bool traced_ = true;
    StageSet asked_for_ = 0;
    std::optional<std::uint64_t> untraced_frames_;
    std::vector<Finding> result_;
};

}  // namespace sockray
