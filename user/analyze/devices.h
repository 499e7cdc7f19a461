// What each device was given, to be held against the device's own counters, and to how many packet sockets of this
// machine the frames were offered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/kernel_names.h"
#include "user/correlate/send.h"

namespace sockray {

struct DeviceSends {
    std::uint32_t netns_ino = 0;
    std::int32_t ifindex = 0;  // 0: not known
    std::string ifname;        // as it was first
    std::uint64_t sends = 0;
    std::uint64_t frames_delivered = 0;  // one for a delivered send, or the segments that a driver took
    std::uint64_t frames_bypassed = 0;   // of these, past the qdisc (PACKET_QDISC_BYPASS)
    std::uint64_t refused_in_queue = 0;  // sends that the queue did not take or keep, as far as it was not another
    // Sends that it had when it was emptied or changed: a smaller limit counts them (include/net/sch_generic.h:
    // rtnl_qdisc_drop), a reset does not.
    std::uint64_t flushed = 0;
    std::uint64_t dropped_behind = 0;   // frames that the qdisc gave to the driver, and the driver did not keep
    std::uint64_t queued = 0;           // sends
    std::uint64_t freed_by_driver = 0;  // sends that the driver, or one below it, freed as dropped, without an error
    std::uint64_t unknown = 0;          // sends
    std::uint64_t lost = 0;             // sends that were not delivered, whatever became of them
};

// The device that a send's frame came to: where it is counted, and where it waits, is taken and is freed.
struct DeviceReached {
    std::string_view ifname;   // into the send; empty: none was found
    std::int32_t ifindex = 0;  // 0: not known
};

DeviceReached device_reached(const Send& send);

// Frames offered to packet sockets, once for each socket.
struct Offers {
    std::uint64_t taken = 0;
    std::uint64_t full = 0;      // no room in its buffer or ring
    std::uint64_t filtered = 0;  // not wanted
    std::uint64_t unknown = 0;   // what the socket did, or which one it was
    std::uint64_t to_rings = 0;  // of all these, those that came by tpacket_rcv, not packet_rcv
    std::uint64_t total() const { return taken + full + filtered + unknown; }
};

class Devices {
  public:
    static constexpr std::size_t kept = 256;

    // A send that never found its device belongs to none.
    void add(const Send& send, const KernelNames& names);

    const std::vector<DeviceSends>& all() const { return devices_; }
    // All sums of a device: the one of this number in this namespace, or where one of them is not known (0) of this
    // name.
    DeviceSends of(std::string_view ifname, std::uint32_t netns_ino = 0, std::int32_t ifindex = 0) const;
    // Sends on devices beyond the first `kept`.
    std::uint64_t other_sends() const { return other_sends_; }
    // Of all sends, on whatever device; none where --stages did not ask for it.
    const Offers& offers() const { return offers_; }
    // All sends that came to add().
    std::uint64_t added() const { return added_; }

  private:
    std::vector<DeviceSends> devices_;
    Offers offers_;
    std::uint64_t other_sends_ = 0;
    std::uint64_t added_ = 0;
};

}  // namespace sockray
