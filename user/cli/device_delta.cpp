#include "user/cli/device_delta.h"

#include <unordered_map>
#include <utility>

namespace sockray {
namespace {

QdiscDelta growth(const std::optional<QdiscCounters>& before, const std::optional<QdiscCounters>& after) {
    if (!before || !after || before->kind != after->kind || before->handle != after->handle) return {};
    // The kernel keeps 32 bits of all but the packets: they may have gone round.
    return {after->kind,
            after->packets - before->packets,
            static_cast<std::uint32_t>(after->drops - before->drops),
            static_cast<std::uint32_t>(after->requeues - before->requeues),
            static_cast<std::uint32_t>(after->overlimits - before->overlimits),
            before->qlen,
            after->qlen};
}

DeviceDelta delta_of(const DeviceReading& before, const DeviceReading* after) {
    DeviceDelta delta;
    delta.ifname = before.interface.name;
    delta.netns_ino = before.interface.netns_ino;
    delta.ifindex = before.interface.ifindex;
    delta.gone = !after;
    if (!after) return delta;
    delta.tx_packets = after->counters.tx_packets - before.counters.tx_packets;
    delta.tx_bytes = after->counters.tx_bytes - before.counters.tx_bytes;
    delta.tx_dropped = after->counters.tx_dropped - before.counters.tx_dropped;
    delta.tx_errors = after->counters.tx_errors - before.counters.tx_errors;
    delta.tx_queues = after->counters.tx_queues;
    delta.no_ipv6 = !before.counters.ipv6 && !after->counters.ipv6;
    delta.qdisc = growth(before.qdisc, after->qdisc);
    return delta;
}

}  // namespace

DeviceWatch::DeviceWatch(const std::optional<Interface>& interface) : all_(!interface) {
    if (all_) {
        before_ = read_all_counters();
    } else if (auto one = read_device(*interface); !one) {
        before_ = tl::unexpected(one.error());
    } else if (*one) {
        before_->push_back(std::move(**one));
    }
}

Result<std::vector<DeviceDelta>> DeviceWatch::deltas() const {
    if (!before_) return tl::unexpected(before_.error());
    std::vector<DeviceDelta> deltas;
    if (!all_) {
        for (const DeviceReading& before : *before_) {
            const auto now = read_device(before.interface);
            if (!now) return tl::unexpected(now.error());
            deltas.push_back(delta_of(before, *now ? &**now : nullptr));
        }
        return deltas;
    }
    const auto now = read_all_counters();
    if (!now) return tl::unexpected(now.error());
    std::unordered_map<int, const DeviceReading*> by_index;
    for (const DeviceReading& one : *now) by_index[one.interface.ifindex] = &one;
    for (const DeviceReading& before : *before_) {
        if (const auto after = by_index.find(before.interface.ifindex); after != by_index.end()) {
            deltas.push_back(delta_of(before, after->second));
            continue;
        }
        const auto alone = read_device(before.interface);
        if (!alone) return tl::unexpected(alone.error());
        deltas.push_back(delta_of(before, *alone ? &**alone : nullptr));
    }
    return deltas;
}

}  // namespace sockray
