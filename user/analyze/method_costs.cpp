#include "user/analyze/method_costs.h"

#include <algorithm>
#include <cmath>

#include "user/analyze/nesting.h"

namespace sockray {
namespace {

constexpr double least_part = 0.05;

double in_calls(const MethodRound& round) {
    return round.handed() ? static_cast<double>(round.call_ns) / static_cast<double>(round.handed()) : 0;
}

double rate_of(const MethodRound& round) {
    return round.wall_ns ? static_cast<double>(round.frames) * 1e9 / static_cast<double>(round.wall_ns) : 0;
}

template <typename Value>
Spread spread_over(std::span<const MethodRound> rounds, Value value) {
    std::vector<double> values;
    for (const MethodRound& round : rounds) values.push_back(value(round));
    return spread_of(std::move(values));
}

Spread ratio_of(std::span<const MethodRound> rounds, std::span<const MethodRound> base) {
    std::vector<double> values;
    for (std::size_t i = 0; i < std::min(rounds.size(), base.size()); i++)
        if (const double of = rate_of(base[i]); of > 0) values.push_back(rate_of(rounds[i]) / of);
    return spread_of(std::move(values));
}

bool overlap(const Spread& x, const Spread& y) {
    return x.low <= y.high && y.low <= x.high;
}

constexpr int around = -1;  // what is around packet_sendmsg

Stage stage_in(const MethodRuns& runs, int slot) {
    for (const MethodTimes& times : runs.times)
        if (times.stage(slot) != Stage::none) return times.stage(slot);
    return Stage::none;
}

Spread part_ns(const MethodRuns& runs, int slot) {
    std::vector<double> values;
    for (std::size_t i = 0; i < std::min(runs.traced.size(), runs.times.size()); i++) {
        const MethodTimes& times = runs.times[i];
        if (times.sends() == 0) continue;
        values.push_back(slot == around ? std::max(0.0, in_calls(runs.traced[i]) - times.sendmsg_ns())
                                        : times.self_ns(slot));
    }
    return spread_of(std::move(values));
}

std::vector<MethodPart> parts_of(const MethodRuns& runs, const MethodRuns& base) {
    std::vector<MethodPart> parts;
    if (runs.times.empty()) return parts;
    const double whole = spread_over(base.traced, in_calls).median;
    for (int slot = around; slot < SR_SLOT_COUNT; slot++) {
        if (slot != around && slot < SR_SLOT_OUTER) continue;
        const Stage own = slot == around ? Stage::none : stage_in(runs, slot);
        const Stage bases = slot == around ? Stage::none : stage_in(base, slot);
        if (slot != around && own == Stage::none && bases == Stage::none) continue;
        const Spread of_base = part_ns(base, slot);
        MethodPart part{own == Stage::none ? bases : own, slot == around || own != Stage::none, part_ns(runs, slot)};
        part.more = part.ns.median - of_base.median;
        part.stands_out = !overlap(part.ns, of_base) && std::abs(part.more) >= least_part * whole;
        parts.push_back(part);
    }
    return parts;
}

}  // namespace

std::vector<std::size_t> order_of_round(std::size_t ways, unsigned round, unsigned rounds) {
    std::vector<std::size_t> order(ways);
    for (std::size_t i = 0; i < ways; i++) order[i] = (i + round * ways / rounds) % ways;
    if (round % 2) std::reverse(order.begin(), order.end());
    return order;
}

void MethodTimes::add(const Send& send, const Plan& plan) {
    const sr_span& sendmsg = send.record.span[SR_SLOT_SENDMSG];
    if (sendmsg.start == 0 || sendmsg.end < sendmsg.start) return;
    sends_++;
    sendmsg_ns_ += static_cast<double>(sendmsg.end - sendmsg.start);
    const Nesting nesting = nesting_of(send.record, plan);
    for (std::size_t i = 0; i < nesting.size; i++) {
        const Nested& nested = nesting[i];
        const int slot = stage_info(nested.step.stage).slot;
        if (nested.fit != Fit::span || slot < SR_SLOT_OUTER) continue;
        const auto ns = static_cast<double>(nested.step.span.end - nested.step.span.start);
        stages_[static_cast<std::size_t>(slot)] = nested.step.stage;
        self_ns_[static_cast<std::size_t>(slot)] += ns;
        if (nested.outer < 0) continue;
        const int outer = stage_info(nesting[static_cast<std::size_t>(nested.outer)].step.stage).slot;
        if (outer >= SR_SLOT_OUTER) self_ns_[static_cast<std::size_t>(outer)] -= ns;
    }
}

Spread spread_of(std::vector<double> values) {
    if (values.empty()) return {};
    std::sort(values.begin(), values.end());
    const std::size_t middle = values.size() / 2;
    const double median = values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return {median, values.front(), values.back()};
}

std::vector<MethodCost> method_costs(std::span<const MethodRuns> runs) {
    std::vector<MethodCost> costs;
    const auto base = std::find_if(runs.begin(), runs.end(), [](const MethodRuns& one) { return one.refused.empty(); });
    for (const MethodRuns& one : runs) {
        MethodCost& cost = costs.emplace_back();
        cost.method = one.method;
        cost.bypass = one.bypass;
        cost.refused = one.refused;
        if (!one.refused.empty()) continue;
        std::uint64_t calls = 0;
        for (const MethodRound& round : one.untraced) {
            cost.frames += round.frames;
            cost.failed += round.refused;
            calls += round.calls;
        }
        for (const MethodRound& round : one.traced) {
            cost.traced_frames += round.frames;
            cost.traced_failed += round.refused;
        }
        for (const MethodTimes& times : one.times) cost.traced_timed += times.sends();
        cost.frames_a_call = calls ? static_cast<double>(cost.frames + cost.failed) / static_cast<double>(calls) : 0;
        cost.frames_a_second = spread_over(one.untraced, rate_of);
        cost.ratio = ratio_of(one.untraced, base->untraced);
        cost.call_ns = spread_over(one.untraced, in_calls);
        cost.traced_ns = spread_over(one.traced, in_calls);
        cost.parts = parts_of(one, *base);
        if (!cost.parts.empty()) cost.rest_ns = cost.traced_ns.median;
        for (const MethodPart& part : cost.parts) cost.rest_ns -= part.ns.median;
    }
    return costs;
}

}  // namespace sockray
