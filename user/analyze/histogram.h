// Durations in log-linear buckets: fixed memory, a bounded relative error over the whole range, an exact
// merge.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sockray {

// Values 0 to 127 have a bucket each; above, every power of two is divided into 64 buckets of equal width. A
// bucket's midpoint is then never further than 1/128 from any value in it. 30 kB, taken with the first value.
class Histogram {
    static constexpr int fine_bits = 6;  // 64 buckets a power of two
    static constexpr std::uint64_t fine = 1U << fine_bits;
    static constexpr std::uint64_t exact = 2 * fine;  // below, every value has a bucket of its own

  public:
    static constexpr std::size_t bucket_count = exact + (64 - fine_bits - 1) * fine;
    // Which bucket a value is in: a longer one is never in an earlier bucket. (Its leading 7 bits name its bucket
    // within its power of two, the others are what the bucket does not tell.)
    static std::size_t bucket_of(std::uint64_t value) {
        const int dropped = static_cast<int>(std::bit_width(value | fine)) - fine_bits - 1;
        return static_cast<std::size_t>(dropped) * fine + static_cast<std::size_t>(value >> dropped);
    }

    void add(std::uint64_t value) {
        if (buckets_.empty()) take_buckets();
        buckets_[bucket_of(value)]++;
        count_++;
        min_ = std::min(min_, value);
        max_ = std::max(max_, value);
        sum_ += value;
        sum_high_ += sum_ < value;
    }
    // As if every value of `other` had been added here.
    void merge(const Histogram& other);

    std::uint64_t count() const { return count_; }
    std::uint64_t min() const { return count_ ? min_ : 0; }  // exact; 0 when empty
    std::uint64_t max() const { return max_; }               // exact; 0 when empty
    double mean() const;                                     // up to rounding; 0 when empty

    // The value at the nearest rank: the smallest one such that at least q * count() values are no larger; q
    // is held within 0 and 1. Given as its bucket's midpoint, held within min and max: exact below 128, else
    // within 1/128. 0 when empty.
    std::uint64_t quantile(double q) const;

  private:
    static std::uint64_t midpoint(std::size_t bucket);
    void take_buckets();

    std::vector<std::uint64_t> buckets_;
    std::uint64_t count_ = 0;
    std::uint64_t min_ = UINT64_MAX;
    std::uint64_t max_ = 0;
    // The sum, in 128 bits: integers, for they are added to with each stage of each send.
    std::uint64_t sum_ = 0;
    std::uint64_t sum_high_ = 0;
};

}  // namespace sockray
