// What each device was given, to be held against the device's own counters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/correlate/send.h"

namespace sockray {

struct DeviceSends {
    std::uint32_t netns_ino = 0;
    std::string ifname;
    std::uint64_t sends = 0;
    std::uint64_t frames_delivered = 0;  // one for a delivered send, or the segments that a driver took
    std::uint64_t frames_bypassed = 0;   // of these, past the qdisc (PACKET_QDISC_BYPASS)
    std::uint64_t refused_in_queue = 0;  // sends that ended in __dev_queue_xmit: dropped, or failed
    std::uint64_t queued = 0;            // sends
};

class Devices {
  public:
    static constexpr std::size_t kept = 256;

    // A send that never found its device belongs to none.
    void add(const Send& send);

    const std::vector<DeviceSends>& all() const { return devices_; }
    // Frames that a driver took from the sends that were decoded.
    std::uint64_t frames_delivered(std::string_view ifname, std::uint32_t netns_ino = 0) const {
        return of(ifname, netns_ino).frames_delivered;
    }
    // All sums of a device; `netns_ino` 0: in any namespace.
    DeviceSends of(std::string_view ifname, std::uint32_t netns_ino = 0) const;
    // Sends on devices beyond the first `kept`.
    std::uint64_t other_sends() const { return other_sends_; }

  private:
    std::vector<DeviceSends> devices_;
    std::uint64_t other_sends_ = 0;
};

}  // namespace sockray
