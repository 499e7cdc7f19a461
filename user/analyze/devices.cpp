#include "user/analyze/devices.h"

#include <optional>

#include "user/correlate/explain_queue.h"
#include "user/correlate/path.h"
#include "user/correlate/receivers.h"

namespace sockray {
namespace {

bool is_same(const DeviceSends& device, std::string_view ifname, std::uint32_t netns_ino, std::int32_t ifindex) {
    if (netns_ino != 0 && device.netns_ino != netns_ino) return false;
    return netns_ino && ifindex > 0 && device.ifindex > 0 ? device.ifindex == ifindex : device.ifname == ifname;
}

// Frames that came through the qdisc to the driver, and were dropped there.
std::uint64_t dropped_behind_queue(const Send& send) {
    const sr_send& record = send.record;
    if (send.outcome != Outcome::dropped || record.stage[SR_SLOT_XMIT] != SR_STAGE_QUEUE_XMIT) return 0;
    if (!record.drop_in_driver && !record.driver_drops) return 0;
    return record.segments ? record.drops + record.driver_drops : 1;
}

// What the queue of its own device did with the frame; none where it ended elsewhere.
std::optional<QueueDrop> drop_in_queue(const Send& send, const KernelNames& names) {
    if (send.end_stage != Stage::queue_xmit) return std::nullopt;
    if (send.outcome != Outcome::dropped && send.outcome != Outcome::failed) return std::nullopt;
    return queue_drop(send.record, names);
}

void add_offers(Offers& offers, const Send& send) {
    for (const FrameReceiver& one : receivers_of(send)) {
        if (one.stage == SR_STAGE_TPACKET_RCV) offers.to_rings++;
        switch (one.received) {
            case SR_RECEIVED_TAKEN: offers.taken++; break;
            case SR_RECEIVED_FULL: offers.full++; break;
            case SR_RECEIVED_FILTERED: offers.filtered++; break;
            default: offers.unknown++;
        }
    }
    offers.unknown += unnamed_receivers(send);
}

}  // namespace

DeviceReached device_reached(const Send& send) {
    const sr_send& record = send.record;
    // A frame that was passed on is counted by the device that it came to, of which only the name is known.
    const bool passed_on = (record.flags & SR_SEND_PASSED_ON) && send.outcome != Outcome::failed;
    if (passed_on) return {record.passed_on_to, 0};
    return {record.ifname, record.ifindex};
}

void Devices::add(const Send& send, const KernelNames& names) {
    added_++;
    const sr_send& record = send.record;
    if (record.receivers) add_offers(offers_, send);
    const auto [ifname, ifindex] = device_reached(send);
    if (ifname.empty()) return;
    DeviceSends* device = nullptr;
    for (DeviceSends& known : devices_)
        if (is_same(known, ifname, record.netns_ino, ifindex)) device = &known;
    if (!device) {
        if (devices_.size() == kept) {
            other_sends_++;
            return;
        }
        device = &devices_.emplace_back(DeviceSends{record.netns_ino, ifindex, std::string(ifname)});
    }
    device->sends++;
    const std::uint64_t frames = frames_taken(record, send.outcome == Outcome::delivered);
    device->frames_delivered += frames;
    if (record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT) device->frames_bypassed += frames;
    // The qdisc counts what it drops itself: not what filters before it take, or its device takes nothing in for.
    const auto drop = drop_in_queue(send, names);
    if (drop == QueueDrop::queue || drop == QueueDrop::queue_or_filter) device->refused_in_queue++;
    if (drop == QueueDrop::flushed) device->flushed++;
    device->dropped_behind += dropped_behind_queue(send);
    if (send.outcome == Outcome::queued) device->queued++;
    if (send.outcome == Outcome::dropped && record.drop_in_driver && record.driver_ret == 0) device->freed_by_driver++;
    if (send.outcome == Outcome::unknown) device->unknown++;
    if (send.outcome != Outcome::delivered) device->lost++;
}

DeviceSends Devices::of(std::string_view ifname, std::uint32_t netns_ino, std::int32_t ifindex) const {
    DeviceSends sum{netns_ino, ifindex, std::string(ifname)};
    for (const DeviceSends& device : devices_) {
        if (!is_same(device, ifname, netns_ino, ifindex)) continue;
        sum.sends += device.sends;
        sum.frames_delivered += device.frames_delivered;
        sum.frames_bypassed += device.frames_bypassed;
        sum.refused_in_queue += device.refused_in_queue;
        sum.flushed += device.flushed;
        sum.dropped_behind += device.dropped_behind;
        sum.queued += device.queued;
        sum.freed_by_driver += device.freed_by_driver;
        sum.unknown += device.unknown;
        sum.lost += device.lost;
    }
    return sum;
}

}  // namespace sockray
