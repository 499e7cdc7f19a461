// Why sends were not delivered: how often each reason was given.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "user/correlate/send.h"

namespace sockray {

struct Reason {
    Outcome outcome = Outcome::unknown;
    int err = 0;       // positive errno value, 0: none
    std::string text;  // Send::reason
    std::uint64_t sends = 0;
};

class Reasons {
  public:
    static constexpr std::size_t kept = 64;

    // Delivered sends have no reason and are passed over.
    void add(const Send& send);

    // In the order first seen.
    const std::vector<Reason>& all() const { return reasons_; }
    // Sends with reasons beyond the first `kept`, by outcome.
    std::uint64_t others(Outcome outcome) const { return others_[static_cast<std::size_t>(outcome)]; }

  private:
    std::vector<Reason> reasons_;
    std::array<std::uint64_t, outcome_count> others_{};
};

}  // namespace sockray
