#include "user/analyze/histogram.h"

#include <algorithm>
#include <cmath>

namespace sockray {

void Histogram::take_buckets() {
    static_assert(bucket_count == 3776);
    buckets_.resize(bucket_count);
}

std::uint64_t Histogram::midpoint(std::size_t bucket) {
    if (bucket < exact) return bucket;
    const auto dropped = static_cast<int>(bucket / fine - 1);
    const std::uint64_t leading = bucket - dropped * fine;
    return (leading << dropped) + (std::uint64_t{1} << dropped) / 2;
}

void Histogram::merge(const Histogram& other) {
    if (other.count_ == 0) return;
    if (buckets_.empty()) take_buckets();
    for (std::size_t i = 0; i < buckets_.size(); i++) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
    sum_high_ += other.sum_high_ + (sum_ < other.sum_);
}

double Histogram::mean() const {
    if (!count_) return 0;
    constexpr long double high = 18446744073709551616.0L;  // 2 to the power of 64
    const long double sum = static_cast<long double>(sum_high_) * high + static_cast<long double>(sum_);
    return static_cast<double>(sum / static_cast<long double>(count_));
}

std::uint64_t Histogram::quantile(double q) const {
    if (count_ == 0) return 0;
    const long double ranks = std::clamp(static_cast<long double>(q), 0.0L, 1.0L) * static_cast<long double>(count_);
    const std::uint64_t rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(ranks)));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < buckets_.size(); i++) {
        below += buckets_[i];
        if (below >= rank) return std::clamp(midpoint(i), min_, max_);
    }
    return max_;
}

}  // namespace sockray
