// A packet socket that only sends: which kinds there are, what each can do, and the destination it names.
#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/drive/frame.h"
#include "user/drive/interface.h"

namespace sockray {

enum class SocketType {
    raw,    // SOCK_RAW: the caller gives the whole frame
    dgram,  // SOCK_DGRAM: the caller gives what follows the Ethernet header, which the kernel builds
    packet  // SOCK_PACKET: the whole frame, and the interface by its name (packet_sendmsg_spkt)
};

enum class SendMethod {
    sendto,    // with the destination's address
    send,      // on a socket that is bound to the interface, without an address
    sendmsg,   // with the destination's address in a msghdr
    sendmmsg,  // several of these in one call
    write,     // as send
    writev,    // as send, the frame in two parts: its Ethernet header and the rest
    ring_v1,   // a TX ring (PACKET_TX_RING) of TPACKET_V1 frames; one call sends what stands in it
    ring_v2,
    ring_v3
};

struct SocketOptions {
    SocketType type = SocketType::raw;
    SendMethod method = SendMethod::sendto;
    bool bypass = false;    // PACKET_QDISC_BYPASS
    bool vnet_hdr = false;  // PACKET_VNET_HDR: a struct virtio_net_hdr stands before each frame
    unsigned batch = 0;     // frames a call may take, where it may take several; 0: default_batch
};

inline constexpr unsigned default_batch = 32;
inline constexpr unsigned max_batch = 1024;  // UIO_MAXIOV: net/socket.c, __sys_sendmmsg stops there

constexpr bool is_ring(SendMethod method) {
    return method == SendMethod::ring_v1 || method == SendMethod::ring_v2 || method == SendMethod::ring_v3;
}

// Whether one call may take several frames.
constexpr bool is_batched(SendMethod method) {
    return method == SendMethod::sendmmsg || is_ring(method);
}

// How many frames one call takes at most.
unsigned batch_of(const SocketOptions& options);

// All of them, in the order in which they are shown.
inline constexpr SendMethod send_methods[] = {SendMethod::sendto,   SendMethod::send,    SendMethod::sendmsg,
                                              SendMethod::sendmmsg, SendMethod::write,   SendMethod::writev,
                                              SendMethod::ring_v1,  SendMethod::ring_v2, SendMethod::ring_v3};

// As on the command line: "sendto", "ring-v3"; "raw".
std::string_view method_name(SendMethod method);
std::string_view socket_name(SocketType type);

// Whether the kernel can send so through this interface; `usage` if not, with the kernel's own reason.
Status check_socket(const Interface& interface, const SocketOptions& options);

// Whether frames of a template can go through such a socket; `usage` if not.
Status check_frame_on(const FrameSpec& frame, const SocketOptions& options);

// Owns a socket of protocol 0, which receives nothing. Not thread-safe: each thread has its own.
class PacketSocket {
  public:
    // Opens it in the network namespace of the calling thread, sets its options, and binds it where the method gives no
    // address. `not_allowed` without CAP_NET_RAW or where the kernel has no packet sockets.
    static Result<PacketSocket> open(const Interface& interface, const SocketOptions& options);

    int fd() const { return fd_.get(); }

  private:
    explicit PacketSocket(Fd fd) : fd_(std::move(fd)) {}

    Fd fd_;
};

// Where a frame goes, as the kernel wants to be told: a sockaddr_ll, or a sockaddr_pkt for SOCK_PACKET.
class Destination {
  public:
    Destination(const Interface& interface, SocketType type);

    // Takes over what the frame's Ethernet header says: the ethertype, and the address, which packet_snd() needs to
    // build the header for SOCK_DGRAM. Frames without a whole header (SOCK_RAW, from a file) leave it as it is.
    void take_from(std::span<const std::uint8_t> frame);

    const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&to_); }
    socklen_t size() const { return by_name_ ? sizeof to_.name : sizeof to_.link; }

  private:
    union {
        sockaddr_ll link;
        sockaddr_pkt name;
    } to_{};
    bool by_name_;
};

}  // namespace sockray
