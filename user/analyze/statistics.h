// Tests whether two samples differ, for values that were measured one after the other.
//
// What is measured in one run is not independent: a slow stretch is slow for many sends in a row. A test that counts
// every send as one observation then finds a difference between any two runs. Two things are done about it. The
// samples that come here are blocks of consecutive sends, not sends (see blocks.h). And what is left of the dependence
// between blocks is measured and paid for: a sample of n blocks counts as the n / inflation independent ones that
// would tell as much.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sockray {

// How many independent values tell as much about the level of a series as these, which are in the order of time: from 1
// to their number. The inflation is the largest of (1 + r) / (1 - r), where r is the correlation of neighbours, and m
// times the variance of the means of m neighbours over that of one value, for m = 2, 4, 8; of ranks, so that a
// single outlier counts once.
double effective_size(std::span<const double> series);

struct Shift {
    double by = 0;   // Hodges-Lehmann: the median of all differences b - a
    double low = 0;  // its confidence interval, of `confidence`
    double high = 0;
    double p = 1;  // two-sided; that of no difference
};

inline constexpr double confidence = 0.99;

// Mann and Whitney's U in its normal approximation, corrected for ties, with effective sizes. The interval belongs to
// the same statistic. It assumes nothing of the shape of the distribution; that they have the same one is needed only
// to read `by` as the difference of levels. Nothing can be told where one is empty: p is 1.
Shift rank_test(std::span<const double> a, std::span<const double> b);

// So many of the sends of a block.
struct Part {
    std::uint64_t hits = 0;
    std::uint64_t of = 0;
};

// Whether two shares differ: the z-test of two proportions with a correction for continuity. The variance is that
// between the blocks, where they vary more than chance would have them, so that events that come in bursts do not count
// one by one. Two-sided p.
double proportion_test(std::span<const Part> a, std::span<const Part> b);

// Holm's correction: each becomes the smallest level at which it would still be rejected, so that of all tests
// together at most this share of sessions without any difference shows one.
void adjust_holm(std::vector<double>& p);

}  // namespace sockray
