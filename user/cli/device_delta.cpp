#include "user/cli/device_delta.h"

namespace sockray {
namespace {

QdiscDelta growth(const Result<QdiscCounters>& before, const Result<QdiscCounters>& after) {
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

}  // namespace

DeviceWatch::DeviceWatch(const Interface& interface)
    : interface_(interface), before_(read_counters(interface)), qdisc_before_(read_qdisc_counters(interface)) {}

std::vector<DeviceDelta> DeviceWatch::deltas() const {
    if (!before_) return {};
    DeviceDelta delta;
    delta.ifname = interface_.name;
    delta.netns_ino = interface_.netns_ino;
    delta.ifindex = interface_.ifindex;
    const auto after = read_counters(interface_);
    delta.gone = !after;
    if (after) {
        delta.tx_packets = after->tx_packets - before_->tx_packets;
        delta.tx_bytes = after->tx_bytes - before_->tx_bytes;
        delta.tx_dropped = after->tx_dropped - before_->tx_dropped;
        delta.tx_errors = after->tx_errors - before_->tx_errors;
        delta.tx_queues = after->tx_queues;
        delta.qdisc = growth(qdisc_before_, read_qdisc_counters(interface_));
    }
    return {delta};
}

}  // namespace sockray
