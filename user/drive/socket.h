// A packet socket that only sends.
#pragma once

#include <linux/if_packet.h>
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <utility>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/drive/interface.h"

namespace sockray {

enum class SocketType {
    raw,   // SOCK_RAW: the caller gives the whole frame
    dgram  // SOCK_DGRAM: the caller gives what follows the Ethernet header, which the kernel builds
};

enum class SendMethod {
    sendto,  // with the destination's sockaddr_ll
    send,    // on a socket that is bound to the interface, without an address
    sendmsg  // with the destination's sockaddr_ll in a msghdr
};

// Whether the kernel can send so through this interface; `usage` if not. On Ethernet, `send` on a SOCK_DGRAM
// socket names no destination, and eth_header() (net/ethernet/eth.c) refuses to build a header without one
// except for loopback and IFF_NOARP devices: packet_snd answers EINVAL to every send. connect() would not
// help: packet_ops has none.
Status check_method(const Interface& interface, SocketType type, SendMethod method);

// Owns a socket of protocol 0, which receives nothing. Not thread-safe: each thread has its own.
class PacketSocket {
  public:
    // Opens it in the network namespace of the calling thread, and binds it where the method is `send`.
    // `not_allowed` without CAP_NET_RAW or where the kernel has no packet sockets.
    static Result<PacketSocket> open(const Interface& interface, SocketType type, SendMethod method);

    // Sends a frame, given whole for both socket types, with one system call, and returns what that returned:
    // the bytes sent (14 less than the frame's for dgram), or -1 with errno set. Blocks while the send buffer
    // is full; a signal whose handler has no SA_RESTART then ends it with EINTR.
    ssize_t send(std::span<const std::uint8_t> frame) const;

  private:
    PacketSocket(Fd fd, const sockaddr_ll& to, SocketType type, SendMethod method)
        : fd_(std::move(fd)), to_(to), type_(type), method_(method) {}

    Fd fd_;
    sockaddr_ll to_;
    SocketType type_;
    SendMethod method_;
};

}  // namespace sockray
