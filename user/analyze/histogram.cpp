#include "user/analyze/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace sockray {

namespace {

constexpr int fine_bits = 6;  // 64 buckets a power of two
constexpr std::uint64_t fine = 1U << fine_bits;
constexpr std::uint64_t exact = 2 * fine;  // below, every value has a bucket of its own

// A value's leading 7 bits name its bucket within its power of two, the others are what the bucket does not
// tell.
int dropped_bits(std::uint64_t value) {
    return std::max(static_cast<int>(std::bit_width(value)) - fine_bits - 1, 0);
}

std::uint64_t midpoint(std::size_t bucket) {
    if (bucket < exact) return bucket;
    const auto dropped = static_cast<int>(bucket / fine - 1);
    const std::uint64_t leading = bucket - dropped * fine;
    return (leading << dropped) + (std::uint64_t{1} << dropped) / 2;
}

static_assert(Histogram::bucket_count == exact + (64 - fine_bits - 1) * fine);

}  // namespace

std::size_t Histogram::bucket_of(std::uint64_t value) {
    const int dropped = dropped_bits(value);
    return static_cast<std::size_t>(dropped * fine + (value >> dropped));
}

void Histogram::add(std::uint64_t value) {
    if (buckets_.empty()) buckets_.resize(bucket_count);
    buckets_[bucket_of(value)]++;
    count_++;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
    sum_ += value;
    sum_high_ += sum_ < value;
}

void Histogram::merge(const Histogram& other) {
    if (other.count_ == 0) return;
    if (buckets_.empty()) buckets_.resize(bucket_count);
    for (std::size_t i = 0; i < bucket_count; i++) buckets_[i] += other.buckets_[i];
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
    for (std::size_t i = 0; i < bucket_count; i++) {
        below += buckets_[i];
        if (below >= rank) return std::clamp(midpoint(i), min_, max_);
    }
    return max_;
}

}  // namespace sockray
