// How long sends took, over time: what a heatmap is drawn from.
#pragma once

#include <cstddef>
#include <cstdint>

#include "user/analyze/time_grid.h"

namespace sockray {

// Rows of durations, four to a power of two, from 64 ns to 69 s; what is shorter is in the first, what is longer in
// the last.
inline constexpr std::size_t latency_rows = 120;
std::size_t latency_row(std::uint64_t ns);
// The shortest duration of a row (of the first, as if nothing were shorter), ns. Of `latency_rows` too: the end of the
// last.
std::uint64_t latency_row_start(std::size_t row);

class LatencyGrid {
  public:
    LatencyGrid() : grid_(latency_rows) {}

    // A send that began at `ns` and took `duration` ns.
    void add(std::uint64_t ns, std::uint64_t duration);

    const TimeGrid& grid() const { return grid_; }
    std::uint64_t sends() const { return sends_; }
    // The rows that are in use.
    std::size_t lowest() const { return lowest_; }
    std::size_t highest() const { return highest_; }

  private:
    TimeGrid grid_;
    std::uint64_t sends_ = 0;
    std::size_t lowest_ = latency_rows - 1;
    std::size_t highest_ = 0;
};

}  // namespace sockray
