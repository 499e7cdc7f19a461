// Who sent: sends by task, device and the way in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/correlate/send.h"

namespace sockray {

struct Sender {
    std::uint32_t pid = 0;
    std::string comm;
    std::string ifname;
    std::string_view entry;  // entry_name()
    std::uint64_t sends = 0;
    std::uint64_t bytes = 0;                              // that the caller asked to send, whatever became of them
    std::array<std::uint64_t, outcome_count> outcomes{};  // index: Outcome
};

class Senders {
  public:
    static constexpr std::size_t kept = 256;

    void add(const Send& send);

    // In the order first seen.
    const std::vector<Sender>& all() const { return senders_; }
    // Sends of senders beyond the first `kept`.
    std::uint64_t other_sends() const { return other_sends_; }

  private:
    std::vector<Sender> senders_;
    std::size_t last_ = 0;
    std::uint64_t other_sends_ = 0;
};

}  // namespace sockray
