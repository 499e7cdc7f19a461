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
        device = &devices_.emplace_back(DeviceSends{record.netns_ino, record.ifname, 0, 0});
    }
    device->sends++;
    device->frames_delivered += frames_taken(record, send.outcome == Outcome::delivered);
}

std::uint64_t Devices::frames_delivered(std::string_view ifname, std::uint32_t netns_ino) const {
    std::uint64_t frames = 0;
    for (const DeviceSends& device : devices_)
        if (device.ifname == ifname && (netns_ino == 0 || device.netns_ino == netns_ino))
            frames += device.frames_delivered;
    return frames;
}

}  // namespace sockray
