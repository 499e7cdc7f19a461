// One line on standard error that says how far a long run has come.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/correlate/send.h"

namespace sockray {

struct ProgressCounts {
    std::uint64_t sends = 0;  // that ended so far
    std::array<std::uint64_t, outcome_count> outcomes{};
    std::uint64_t lost = 0;  // records and hits that tracing missed so far
};

// Draws on a terminal only, elsewhere it does nothing. Other output to the same terminal must be preceded by
// clear().
class Progress {
  public:
    // `fd` stays the caller's and must outlive this. `style`: style_of(fd). `total`: sends to come, where
    // that is known.
    Progress(int fd, const Style& style, std::optional<std::uint64_t> total, std::uint64_t start_ns)
        : fd_(fd), style_(style), total_(total), start_ns_(start_ns) {}
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // Draws the line anew, unless that was done less than 100 ms ago. `now_ns`: CLOCK_MONOTONIC.
    void update(const ProgressCounts& counts, std::uint64_t now_ns);
    // Takes the line away; the next update that is due draws it again.
    void clear();

  private:
    int fd_;
    Style style_;
    std::optional<std::uint64_t> total_;
    std::uint64_t start_ns_;
    std::uint64_t drawn_ns_ = 0;
    bool visible_ = false;
    fmt::memory_buffer line_;
};

}  // namespace sockray
