#include "user/analyze/time_grid.h"

#include <algorithm>

namespace sockray {

void TimeGrid::add(std::uint64_t ns, std::size_t row) {
    cover(ns);
    counts_[(ns / width_ - first_) * rows_ + row]++;
}

void TimeGrid::cover(std::uint64_t ns) {
    if (counts_.empty()) {
        first_ = ns / width_;
        counts_.resize(rows_);
    }
    for (;; widen()) {
        const std::uint64_t at = ns / width_;
        const std::uint64_t last = first_ + columns() - 1;
        if (std::max(at, last) - std::min(at, first_) >= most_columns) continue;
        if (at > last) counts_.resize((at - first_ + 1) * rows_);
        if (at < first_) {
            counts_.insert(counts_.begin(), (first_ - at) * rows_, 0);
            first_ = at;
        }
        return;
    }
}

// Pairs that begin at an even multiple of the width become one column, so that what is counted does not depend on the
// order in which times came.
void TimeGrid::widen() {
    const std::uint64_t first = first_ / 2;
    const std::uint64_t last = (first_ + columns() - 1) / 2;
    std::vector<std::uint64_t> merged((last - first + 1) * rows_);
    for (std::size_t i = 0; i < counts_.size(); i++)
        merged[((first_ + i / rows_) / 2 - first) * rows_ + i % rows_] += counts_[i];
    counts_ = std::move(merged);
    first_ = first;
    width_ *= 2;
}

}  // namespace sockray
