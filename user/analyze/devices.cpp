#include "user/analyze/devices.h"

#include "user/correlate/path.h"

namespace sockray {

void Devices::add(const Send& send) {
    const sr_send& record = send.record;
    if (record.ifname[0] == '\0') return;
    DeviceSends* device = nullptr;
    for (DeviceSends& known : devices_)
        if (known.netns_ino == record.netns_ino && known.ifname == record.ifname) device = &known;
    if (!device) {
        if (devices_.size() == kept) {
            other_sends_++;
            return;
        }
        device = &devices_.emplace_back(DeviceSends{record.netns_ino, record.ifname});
    }
    device->sends++;
    const std::uint64_t frames = frames_taken(record, send.outcome == Outcome::delivered);
    device->frames_delivered += frames;
    if (record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT) device->frames_bypassed += frames;
    if (send.end_stage == Stage::queue_xmit && (send.outcome == Outcome::dropped || send.outcome == Outcome::failed))
        device->refused_in_queue++;
    if (send.outcome == Outcome::queued) device->queued++;
}

DeviceSends Devices::of(std::string_view ifname, std::uint32_t netns_ino) const {
    DeviceSends sum{netns_ino, std::string(ifname)};
    for (const DeviceSends& device : devices_) {
        if (device.ifname != ifname || (netns_ino != 0 && device.netns_ino != netns_ino)) continue;
        sum.sends += device.sends;
        sum.frames_delivered += device.frames_delivered;
        sum.frames_bypassed += device.frames_bypassed;
        sum.refused_in_queue += device.refused_in_queue;
        sum.queued += device.queued;
    }
    return sum;
}

}  // namespace sockray
