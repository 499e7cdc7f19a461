// Counts what the sends say of the packet sockets that they came to, and holds it beside what these counted.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "user/correlate/receiver_counters.h"
#include "user/correlate/send.h"
#include "user/probe/socket_reader.h"

namespace sockray {

// begin(), add() again and again, end() once, then add() for what was judged later, counters().
class ReceiverOffers {
  public:
    static constexpr std::size_t kept = 4096;  // sockets; offers to further ones are only counted

    // What the sockets have counted before the first offer. `own_pid`: whose sockets are left out.
    void begin(std::span<const sr_socket_entry> entries, std::uint32_t own_pid);

    void add(const Send& send);

    // What they have counted by now.
    void end(std::span<const sr_socket_entry> entries);

    // Whether any frame was offered to anybody.
    bool any() const { return !offered_.empty() || unnamed_; }

    // Behind end(): each socket that was offered a frame.
    ReceiverCounters counters() const;

  private:
    struct Offered {
        std::uint64_t taken = 0;
        std::uint64_t full = 0;
        std::uint64_t filtered = 0;
        std::uint64_t unknown = 0;
        std::uint64_t total() const { return taken + full + filtered + unknown; }
    };
    // Whether it gets copies of frames of these sends.
    bool is_tap(const sr_socket_entry& entry) const;

    using Readings = std::unordered_map<std::uint64_t, sr_socket_entry>;  // by inode

    std::uint32_t own_pid_ = 0;
    std::uint64_t unnamed_ = 0;
    Readings before_;
    Readings after_;
    std::map<std::uint64_t, Offered> offered_;   // by inode
    std::unordered_set<std::uint64_t> sent_by_;  // devices of the sends, and for each namespace 0
};

}  // namespace sockray
