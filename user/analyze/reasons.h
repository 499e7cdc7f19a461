// Why sends were not delivered: how often each reason was given. What is a send's own in it, as the length of its
// frame, makes no other reason.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "user/analyze/reason_text.h"
#include "user/correlate/send.h"

namespace sockray {

struct Reason {
    Outcome outcome = Outcome::unknown;
    int err = 0;       // positive errno value, 0: none
    std::string text;  // Send::reason, with what differs from send to send as a range
    std::uint64_t sends = 0;
    ReasonText words;  // what `text` is made of
};

class Reasons {
  public:
    static constexpr std::size_t kept = 64;

    // Delivered sends have no reason and are passed over.
    void add(const Send& send);

    // In the order first seen.
    const std::vector<Reason>& all() const { return reasons_; }
    // The `limit` most frequent, the first seen of those that are alike in it.
    std::vector<const Reason*> most(std::size_t limit) const;
    // Sends with reasons beyond the first `kept`, by outcome.
    std::uint64_t others(Outcome outcome) const { return others_[static_cast<std::size_t>(outcome)]; }

  private:
    std::vector<Reason> reasons_;
    std::array<std::uint64_t, outcome_count> others_{};
};

}  // namespace sockray
