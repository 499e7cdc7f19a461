#include "user/analyze/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace sockray {
namespace {

constexpr double z_of_confidence = 2.5758293035489004;

double two_sided(double z) {
    return std::erfc(std::abs(z) / std::sqrt(2.0));
}

double mean_of(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variance_of(std::span<const double> values) {
    const double mean = mean_of(values);
    double sum = 0;
    for (const double value : values) sum += (value - mean) * (value - mean);
    return sum / static_cast<double>(values.size() - 1);
}

// 1 .. n, ties share the middle of theirs.
std::vector<double> ranks_of(std::span<const double> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
    std::vector<double> ranks(values.size());
    for (std::size_t i = 0; i < order.size();) {
        std::size_t end = i;
        while (end < order.size() && values[order[end]] == values[order[i]]) end++;
        for (std::size_t t = i; t < end; t++) ranks[order[t]] = static_cast<double>(i + 1 + end) / 2;
        i = end;
    }
    return ranks;
}

// Of neighbours; corrected for the bias of a short series (Kendall, 1954).
double neighbours_correlation(std::span<const double> values) {
    const double mean = mean_of(values);
    double with_next = 0;
    double with_self = 0;
    for (std::size_t i = 0; i < values.size(); i++) {
        with_self += (values[i] - mean) * (values[i] - mean);
        if (i + 1 < values.size()) with_next += (values[i] - mean) * (values[i + 1] - mean);
    }
    const double r = with_next / with_self;
    return r + (1 + 4 * r) / static_cast<double>(values.size());
}

double inflation_of_means(std::span<const double> values, std::size_t together) {
    std::vector<double> means;
    for (std::size_t i = 0; i + together <= values.size(); i += together)
        means.push_back(mean_of(values.subspan(i, together)));
    constexpr std::size_t least = 4;
    if (means.size() < least) return 1;
    return static_cast<double>(together) * variance_of(means) / variance_of(values);
}

// (1 - sum of (t^3 - t) / (N^3 - N)) over the groups of t ties.
double tie_factor(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    const auto n = static_cast<double>(all.size());
    double tied = 0;
    for (std::size_t i = 0; i < all.size();) {
        std::size_t end = i;
        while (end < all.size() && all[end] == all[i]) end++;
        const auto t = static_cast<double>(end - i);
        tied += t * t * t - t;
        i = end;
    }
    return all.size() < 2 ? 0 : 1 - tied / (n * n * n - n);
}

double at_share(const std::vector<double>& sorted, double share) {
    const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double between = at - static_cast<double>(below);
    return sorted[below] * (1 - between) + sorted[above] * between;
}

struct Share {
    double of = 0;
    double size = 0;
    double variance = 0;  // of the share, by the blocks
};

Share share_of(std::span<const Part> parts) {
    Share share;
    std::uint64_t hits = 0;
    std::uint64_t of = 0;
    std::vector<double> series;
    for (const Part& part : parts) {
        hits += part.hits;
        of += part.of;
        if (part.of) series.push_back(static_cast<double>(part.hits) / static_cast<double>(part.of));
    }
    if (of == 0) return share;
    share.size = static_cast<double>(of);
    share.of = static_cast<double>(hits) / share.size;
    if (series.size() < 2) return share;
    double squares = 0;
    for (const Part& part : parts) {
        const double off = static_cast<double>(part.hits) - share.of * static_cast<double>(part.of);
        squares += off * off;
    }
    const auto blocks = static_cast<double>(series.size());
    share.variance = blocks / (blocks - 1) * squares / (share.size * share.size) * blocks / effective_size(series);
    return share;
}

}  // namespace

double effective_size(std::span<const double> series) {
    const auto size = static_cast<double>(series.size());
    constexpr std::size_t least = 4;
    if (series.size() < least) return size;
    const std::vector<double> ranks = ranks_of(series);
    if (variance_of(ranks) == 0) return size;
    constexpr double most_correlation = 0.98;
    const double r = std::clamp(neighbours_correlation(ranks), 0.0, most_correlation);
    double inflation = (1 + r) / (1 - r);
    for (const std::size_t together : {2U, 4U, 8U})
        inflation = std::max(inflation, inflation_of_means(ranks, together));
    return std::max(1.0, size / inflation);
}

Shift rank_test(std::span<const double> a, std::span<const double> b) {
    Shift shift;
    if (a.empty() || b.empty()) return shift;
    std::vector<double> differences;
    differences.reserve(a.size() * b.size());
    double larger = 0;
    for (const double x : a)
        for (const double y : b) {
            differences.push_back(y - x);
            larger += y > x ? 1 : y == x ? 0.5 : 0;
        }
    std::sort(differences.begin(), differences.end());
    const double size_a = effective_size(a);
    const double size_b = effective_size(b);
    std::vector<double> all(a.begin(), a.end());
    all.insert(all.end(), b.begin(), b.end());
    const double variance = (1 / size_a + 1 / size_b + 1 / (size_a * size_b)) / 12;
    const double off = z_of_confidence * std::sqrt(variance);
    shift.by = at_share(differences, 0.5);
    shift.low = at_share(differences, 0.5 - off);
    shift.high = at_share(differences, 0.5 + off);
    const double untied = variance * tie_factor(std::move(all));
    if (untied > 0) shift.p = two_sided((larger / static_cast<double>(differences.size()) - 0.5) / std::sqrt(untied));
    return shift;
}

double proportion_test(std::span<const Part> a, std::span<const Part> b) {
    const Share one = share_of(a);
    const Share other = share_of(b);
    if (one.size == 0 || other.size == 0) return 1;
    const double pooled = (one.of * one.size + other.of * other.size) / (one.size + other.size);
    const double by_chance = pooled * (1 - pooled) * (1 / one.size + 1 / other.size);
    const double variance = std::max(by_chance, one.variance + other.variance);
    const double off = std::abs(one.of - other.of) - (1 / one.size + 1 / other.size) / 2;
    return variance > 0 && off > 0 ? two_sided(off / std::sqrt(variance)) : 1;
}

void adjust_holm(std::vector<double>& p) {
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return p[x] < p[y]; });
    double least = 0;
    for (std::size_t i = 0; i < order.size(); i++) {
        least = std::max(least, std::min(1.0, p[order[i]] * static_cast<double>(order.size() - i)));
        p[order[i]] = least;
    }
}

}  // namespace sockray
