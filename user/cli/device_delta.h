// By how much a device's own counters, and those of its qdisc, grow while tracing runs.
#pragma once

#include <vector>

#include "user/correlate/sink.h"
#include "user/drive/interface.h"

namespace sockray {

// Reads the counters when it is made. In the network namespace of the calling thread.
class DeviceWatch {
  public:
    explicit DeviceWatch(const Interface& interface);

    // The growth since then, or that the device has gone; nothing where it could not be read at the start.
    std::vector<DeviceDelta> deltas() const;

  private:
    Interface interface_;
    Result<DeviceCounters> before_;
    Result<QdiscCounters> qdisc_before_;
};

}  // namespace sockray
