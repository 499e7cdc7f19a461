#include "user/correlate/receiver_offers.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "user/correlate/receivers.h"

namespace sockray {
namespace {

// The kernel keeps 32 bits: they may have gone round.
constexpr std::uint32_t growth(std::uint32_t before, std::uint32_t now) {
    return now - before;
}

constexpr std::int32_t any_device = 0;

constexpr std::uint64_t device_key(std::uint32_t netns_ino, std::int32_t ifindex) {
    return std::uint64_t{netns_ino} << 32 | static_cast<std::uint32_t>(ifindex);
}

// `before`: zeros of a socket that was opened since then.
void hold(ReceiverDelta& delta, const sr_socket_entry& before, const sr_socket_entry& now) {
    delta.tp_packets = growth(before.tp_packets, now.tp_packets);
    delta.tp_drops = growth(before.tp_drops, now.tp_drops);
    // tpacket_rcv does not count in sk_drops.
    if (!before.rx_ring.block_nr && !now.rx_ring.block_nr) delta.sk_drops = growth(before.sk_drops, now.sk_drops);
    const bool went_back = now.tp_packets < before.tp_packets || now.tp_drops < before.tp_drops;
    if (!went_back || (delta.tp_packets == delta.taken + delta.full && delta.tp_drops == delta.full)) return;
    delta.reset = true;
    delta.tp_packets = now.tp_packets;
    delta.tp_drops = now.tp_drops;
}

}  // namespace

void ReceiverOffers::begin(std::span<const sr_socket_entry> entries, std::uint32_t own_pid) {
    own_pid_ = own_pid;
    for (const sr_socket_entry& entry : entries) before_.try_emplace(entry.ino, entry);
}

bool ReceiverOffers::is_tap(const sr_socket_entry& entry) const {
    if (entry.protocol != htons(ETH_P_ALL) || entry.flags & SR_PACKET_IGNORE_OUTGOING) return false;
    return sent_by_.contains(device_key(entry.netns_ino, entry.ifindex <= 0 ? any_device : entry.ifindex));
}

void ReceiverOffers::add(const Send& send) {
    if (send.record.ifindex && sent_by_.size() < kept)
        for (const std::int32_t ifindex : {any_device, send.record.ifindex})
            sent_by_.insert(device_key(send.record.netns_ino, ifindex));
    if (!send.record.receivers) return;
    unnamed_ += unnamed_receivers(send);
    for (const FrameReceiver& receiver : receivers_of(send)) {
        if (!receiver.socket_ino || (offered_.size() >= kept && !offered_.contains(receiver.socket_ino))) {
            unnamed_++;
            continue;
        }
        Offered& offered = offered_[receiver.socket_ino];
        switch (receiver.received) {
            case SR_RECEIVED_TAKEN: offered.taken++; break;
            case SR_RECEIVED_FULL: offered.full++; break;
            case SR_RECEIVED_FILTERED: offered.filtered++; break;
            default: offered.unknown++;
        }
    }
}

void ReceiverOffers::end(std::span<const sr_socket_entry> entries) {
    for (const sr_socket_entry& entry : entries) after_.try_emplace(entry.ino, entry);
}

ReceiverCounters ReceiverOffers::counters() const {
    ReceiverCounters counters;
    counters.unnamed = unnamed_;
    const auto of = [](const Readings& readings, std::uint64_t ino) {
        const auto found = readings.find(ino);
        return found == readings.end() ? nullptr : &found->second;
    };
    for (const auto& [ino, offered] : offered_) {
        const sr_socket_entry* before = of(before_, ino);
        const sr_socket_entry* now = of(after_, ino);
        const sr_socket_entry* last = now ? now : before;
        if (last && last->pid == own_pid_) {
            counters.own += offered.total();
            continue;
        }
        if (before && now && before->sk != now->sk) before = nullptr;  // the inode's number was used again
        ReceiverDelta& delta = counters.sockets.emplace_back();
        delta.socket_ino = ino;
        delta.pid = last ? last->pid : 0;
        delta.comm = last ? last->comm : "";
        delta.taken = offered.taken;
        delta.full = offered.full;
        delta.filtered = offered.filtered;
        delta.unknown = offered.unknown;
        delta.opened = !before;
        delta.gone = !now;
        delta.tap = now && is_tap(*now);
        if (now) hold(delta, before ? *before : sr_socket_entry{}, *now);
    }
    return counters;
}

}  // namespace sockray
