// The ledger as text: how every send ended, what tracing lost, and what the devices themselves counted.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string>

#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/base/terminal.h"
#include "user/correlate/ledger.h"

namespace sockray {

// By how much a device's counters grew while tracing ran.
struct DeviceDelta {
    std::string ifname;
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_dropped = 0;
    std::uint64_t tx_errors = 0;
    std::uint32_t netns_ino = 0;  // of the namespace that `ifname` is in; 0: not known
};

void append_ledger_text(fmt::memory_buffer& out, const Ledger& ledger, const Reasons& reasons, const Devices& devices,
                        std::span<const DeviceDelta> deltas, const Style& style);

}  // namespace sockray
