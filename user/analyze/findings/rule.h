// What a rule of the findings is: it sees each send, keeps bounded sums, and says at the end what stands out.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "user/analyze/finding.h"
#include "user/analyze/findings/lost_to.h"
#include "user/base/plan.h"
#include "user/base/stage_set.h"
#include "user/correlate/sink.h"

namespace sockray {

// What all rules measure against.
struct Totals {
    std::uint64_t sends = 0;  // that were recorded
    std::array<std::uint64_t, outcome_count> by_outcome{};
    std::uint64_t kernel_ns = 0;  // that all of them spent in the kernel, as far as it was seen

    // Known with the ledger; 0 without one.
    std::uint64_t left_out = 0;       // sends of the session that --outcome kept out of the recording
    std::uint64_t lost_left_out = 0;  // of these, dropped or failed ones
    bool all_files = true;            // of the session are here: only then are left_out and sends all that there were

    // What lost sends are held against: as many as the session had.
    std::uint64_t whole() const { return all_files ? sends + left_out : sends; }
};

// Whether sends behind the last of a capture's -c are in the ledger and not in the recording.
inline bool is_cut_by_count(const Ending& ending) {
    return ending.capture && ending.ledger.shown < ending.ledger.selected();
}

struct SeenSend {
    const Send& send;
    LostTo lost_to = LostTo::nothing;
    std::uint64_t kernel_ns = 0;  // duration_ns(); 0: not seen
    std::uint64_t begin_ns = 0;   // begin_ns()
};

// Fewer lost frames than one in a thousand do not stand out, and less of the kernel time than a twentieth is not worth
// a change: a reader looks at the first findings, so the last ones must still be worth it.
inline constexpr double least_lost_share = 0.001;
inline constexpr double least_time_share = 0.05;

// A thing that a rule looks at, for the words "nothing stands out, looked at: ...", and without what it sees nothing.
struct LooksAt {
    std::string_view subject;
    std::vector<StageSet> needs = {};  // of each of them one stage
    bool ledger = false;               // that the recording does not end before it
    bool all_files = false;            // of the session
    bool all_sends = false;            // of the session: none left out by --outcome, none behind the last of -c
    bool lost_sends = false;           // where --outcome left out some that were lost, it sees a part
};

// The calls come in the order in which they stand here; each rule sees all of them.
class Rule {
  public:
    Rule() = default;
    Rule(const Rule&) = delete;
    Rule& operator=(const Rule&) = delete;
    virtual ~Rule() = default;

    virtual std::vector<LooksAt> looks_at() const = 0;

    // Both stay as they are until conclude() has returned.
    virtual void begin(const Plan&, const KernelNames&) {}
    virtual void socket(const sr_socket&) {}
    virtual void send(const SeenSend&) {}
    virtual std::vector<Finding> conclude(const Totals&, const Ending&) const = 0;
};

}  // namespace sockray
