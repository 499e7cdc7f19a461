#include "user/analyze/latency_grid.h"

#include <algorithm>
#include <bit>

namespace sockray {

namespace {
constexpr int least_bits = 6;  // the first row begins at 2^6 ns
}

std::size_t latency_row(std::uint64_t ns) {
    const int octave = static_cast<int>(std::bit_width(ns)) - 1;
    if (octave < least_bits) return 0;
    const std::uint64_t quarter = (ns >> (octave - 2)) & 3;
    return std::min(static_cast<std::size_t>(octave - least_bits) * 4 + quarter, latency_rows - 1);
}

std::uint64_t latency_row_start(std::size_t row) {
    return (4 + row % 4) << (row / 4 + least_bits - 2);
}

void LatencyGrid::add(std::uint64_t ns, std::uint64_t duration) {
    const std::size_t row = latency_row(duration);
    grid_.add(ns, row);
    sends_++;
    lowest_ = std::min(lowest_, row);
    highest_ = std::max(highest_, row);
}

}  // namespace sockray
