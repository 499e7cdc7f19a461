#include "user/cli/device_delta.h"

namespace sockray {

DeviceWatch::DeviceWatch(const Interface& interface) : interface_(interface), before_(read_counters(interface)) {}

std::vector<DeviceDelta> DeviceWatch::deltas() const {
    const auto after = read_counters(interface_);
    if (!before_ || !after) return {};
    return {{interface_.name, after->tx_packets - before_->tx_packets, after->tx_bytes - before_->tx_bytes,
             after->tx_dropped - before_->tx_dropped, after->tx_errors - before_->tx_errors, interface_.netns_ino}};
}

}  // namespace sockray
