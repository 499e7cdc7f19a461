// By how much the devices' own counters, and those of their qdiscs, grow while tracing runs.
#pragma once

#include <optional>
#include <vector>

#include "user/base/result.h"
#include "user/correlate/sink.h"
#include "user/drive/interface.h"

namespace sockray {

// Reads the counters when it is made. In the network namespace of the calling thread.
class DeviceWatch {
  public:
    // Of this interface; without one of all that there are: whose counters are wanted, the sends will tell
    // (Session::finish).
    explicit DeviceWatch(const std::optional<Interface>& interface);

    // The growth since then, or that the device has gone. Errors: the kernel did not tell what it counted, now or then.
    Result<std::vector<DeviceDelta>> deltas() const;

  private:
    bool all_;
    Result<std::vector<DeviceReading>> before_;
};

}  // namespace sockray
