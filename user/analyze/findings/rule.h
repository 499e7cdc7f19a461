// What a rule of the findings is: it sees each send, keeps bounded sums, and says at the end what stands out.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "user/analyze/finding.h"
#include "user/analyze/findings/lost_to.h"
#include "user/base/plan.h"
#include "user/correlate/sink.h"

namespace sockray {

// What all rules measure against.
struct Totals {
    std::uint64_t sends = 0;
    std::uint64_t kernel_ns = 0;  // that all of them spent in the kernel, as far as it was seen
};

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

// The calls come in the order in which they stand here; each rule sees all of them.
class Rule {
  public:
    Rule() = default;
    Rule(const Rule&) = delete;
    Rule& operator=(const Rule&) = delete;
    virtual ~Rule() = default;

    // What it looks at, for the words "nothing stands out, looked at: ...".
    virtual std::string_view subject() const = 0;
    // The stage without which it sees nothing; none: it always sees something.
    virtual Stage needs() const { return Stage::none; }
    // Whether it sees nothing in a recording that ends before its ledger.
    virtual bool needs_ledger() const { return false; }
    // Whether it sees nothing where files of the session are missing.
    virtual bool needs_all_files() const { return false; }

    // Both stay as they are until conclude() has returned.
    virtual void begin(const Plan&, const KernelNames&) {}
    virtual void socket(const sr_socket&) {}
    virtual void send(const SeenSend&) {}
    virtual std::vector<Finding> conclude(const Totals&, const Ending&) const = 0;
};

}  // namespace sockray
