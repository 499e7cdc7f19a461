// What became of the frames that matched: all numbers are frames, or as named, since the capture began.
#pragma once

#include <cstdint>

namespace sockray {

// From struct tpacket_stats_v3, which getsockopt(PACKET_STATISTICS) hands out and sets to 0 (net/packet/af_packet.c,
// packet_getsockopt): summed up over all readings. What the interface itself lost before (rx_dropped, rx_missed_errors
// of its own statistics) is not in here.
struct CaptureCounts {
    std::uint64_t seen = 0;       // matched the filter: tp_packets, which includes tp_drops
    std::uint64_t delivered = 0;  // handed to a sink
    std::uint64_t dropped = 0;    // tp_drops: found no room in the ring (tpacket_rcv, drop_n_account)
    std::uint64_t cut = 0;        // of those delivered, longer than the snaplen: no loss
    std::uint64_t freezes = 0;  // tp_freeze_q_cnt: times that the kernel came upon a block that was not yet given back
    std::uint64_t losing_blocks = 0;  // blocks that were closed while drops had not been read (TP_STATUS_LOSING)

    // Still in the ring. 0 behind Receiver::finish(), so that seen = delivered + dropped.
    std::uint64_t waiting() const { return seen - delivered - dropped; }

    CaptureCounts& operator+=(const CaptureCounts& other) {
        seen += other.seen;
        delivered += other.delivered;
        dropped += other.dropped;
        cut += other.cut;
        freezes += other.freezes;
        losing_blocks += other.losing_blocks;
        return *this;
    }
};

}  // namespace sockray
