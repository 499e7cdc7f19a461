// The ledger held against what devices, qdiscs and receiving packet sockets counted themselves: equal, or a difference
// with its likely cause.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/analyze/devices.h"
#include "user/correlate/sink.h"

namespace sockray {

struct HeldCounter {
    std::string_view counter;  // "tx_packets"; of the qdisc "sent", "drops", "waiting"; of a socket as in ReceiverDelta
    std::uint64_t counted = 0;   // what it grew by; of "waiting": what it is at the end
    std::uint64_t expected = 0;  // by the ledger
    std::string_view what;       // that the ledger counts: "delivered"
    std::string cause;           // the likely one, a phrase; empty where they are equal
};

// tx_packets first, then those of the qdisc where it counts at all (noqueue does not).
std::vector<HeldCounter> hold_counters(const Ending& ending, const Devices& devices, const DeviceDelta& delta);

// tp_packets, tp_drops, and sk_drops where the socket has them. None of a socket that is gone.
std::vector<HeldCounter> hold_counters(const Ending& ending, const ReceiverDelta& delta);

}  // namespace sockray
