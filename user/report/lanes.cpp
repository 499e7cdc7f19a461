#include "user/report/lanes.h"

#include <algorithm>
#include <iterator>

namespace sockray {

namespace {

bool take(std::vector<sr_span>& lane, std::uint64_t start, std::uint64_t end) {
    auto next = lane.end();
    if (!lane.empty() && lane.back().end >= start)
        next = std::lower_bound(lane.begin(), lane.end(), start,
                                [](const sr_span& span, std::uint64_t ns) { return span.end < ns; });
    if (next != lane.end() && next->start <= end) return false;
    lane.insert(next, {start, end});
    if (lane.size() == Lanes::spans_kept) {
        const auto half = lane.begin() + Lanes::spans_kept / 2;
        lane.front().end = std::prev(half)->end;
        lane.erase(std::next(lane.begin()), half);
    }
    return true;
}

}  // namespace

std::optional<std::size_t> Lanes::place(std::uint64_t start, std::uint64_t end) {
    if (end < start) return std::nullopt;
    for (std::size_t at = 0; at < lanes_.size(); at++)
        if (take(lanes_[at], start, end)) return at;
    if (lanes_.size() == most_) return std::nullopt;
    take(lanes_.emplace_back(), start, end);
    return lanes_.size() - 1;
}

}  // namespace sockray
