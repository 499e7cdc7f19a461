// What the driver knows of each of its sends. Passive; shared with user/correlate, which joins it with the
// records.
#pragma once

#include <cstdint>

namespace sockray {

// One frame. What one system call took (sendmmsg, a TX ring) is one event a frame, in the order of the frames, all
// with the times of that call.
struct DriveEvent {
    std::uint64_t number = 0;     // 1, 2, 3 ...; carried in the frame, unless it comes from a file
    std::uint64_t before_ns = 0;  // CLOCK_MONOTONIC just before the system call
    std::uint64_t after_ns = 0;   // and just after it

    // What became of this frame: the bytes that the kernel took of it, or -1.
    //   a call for one frame   what the call returned
    //   sendmmsg               its msg_len; -1 for the message at which the call stopped
    //   TX ring                its length, without a virtio_net_hdr, where the kernel took it from the ring; -1 where
    //   it
    //                          refused it and where the call failed at it
    std::int64_t ret = 0;
    std::uint32_t tid = 0;  // thread that sent it

    // errno, 0 where ret >= 0. Also 0 where ret is -1 and the kernel tells nobody why: of a message that a sendmmsg
    // stopped at after others had been sent (net/socket.c, __sys_sendmmsg: the count goes before the error).
    std::int32_t err = 0;

    // TP_STATUS_* of the frame when the call had returned; no_ring where there is no ring. AVAILABLE: sent and done
    // with. SENDING: taken, and not freed yet (the call was interrupted while it waited for that). WRONG_FORMAT:
    // refused. SEND_REQUEST: left in the ring, the call failed at it (net/packet/af_packet.c, tpacket_snd).
    std::int32_t ring_status = no_ring;
    static constexpr std::int32_t no_ring = -1;
};

}  // namespace sockray
