// Who sent: sends by task, device and the way in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/records.h"
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
    // Of the last send, byte by byte as it came: most have the sender of the one before.
    struct Last {
        std::size_t sender = 0;  // its place among all
        std::string_view entry;
        std::uint32_t pid = 0;
        char comm[SR_COMM_LEN] = {};
        char ifname[SR_IFNAME_LEN] = {};
        bool is_of(const sr_send& record, std::string_view entry) const;
        void set(const sr_send& record, std::string_view entry, std::size_t sender);
    };

    std::vector<Sender> senders_;
    Last last_;
    std::uint64_t other_sends_ = 0;
};

}  // namespace sockray
