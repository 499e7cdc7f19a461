#include "user/drive/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "user/drive/frame.h"

namespace sockray {
namespace {

tl::unexpected<Error> socket_error(SocketType type, int err) {
    const std::string what = fmt::format("cannot open a packet socket (socket(AF_PACKET, {}, 0)): {}",
                                         type == SocketType::raw ? "SOCK_RAW" : "SOCK_DGRAM", errno_text(err));
    if (err == EPERM || err == EACCES) return not_allowed(what, "run as root, or with the capability CAP_NET_RAW");
    if (err == EAFNOSUPPORT)
        return not_allowed(what, "this kernel has no packet sockets: load them with modprobe af_packet");
    return fail(what);
}

// packet_snd() takes the header's ethertype and destination from here for SOCK_DGRAM; for SOCK_RAW the frame
// has them.
sockaddr_ll destination(const Interface& interface) {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(ETH_P_802_EX1);
    to.sll_ifindex = interface.ifindex;
    to.sll_halen = frame_destination.size();
    std::copy(frame_destination.begin(), frame_destination.end(), to.sll_addr);
    return to;
}

// With protocol 0 packet_do_bind() remembers the device and registers no receive hook.
Status bind_to(const Fd& fd, const Interface& interface) {
    sockaddr_ll own{};
    own.sll_family = AF_PACKET;
    own.sll_ifindex = interface.ifindex;
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
        return fail(fmt::format("cannot bind a packet socket to {} (ifindex {}): {}", printable_name(interface.name),
                                interface.ifindex, errno_text(errno)));
    return {};
}

}  // namespace

Status check_method(const Interface& interface, SocketType type, SendMethod method) {
    if (type != SocketType::dgram || method != SendMethod::send || interface.flags & (IFF_LOOPBACK | IFF_NOARP))
        return {};
    return usage(fmt::format("send on a dgram socket cannot work on {}: it gives no destination address, and without "
                             "one the kernel cannot build the Ethernet header (EINVAL)",
                             printable_name(interface.name)),
                 "use --method sendto or sendmsg, or --socket raw");
}

Result<PacketSocket> PacketSocket::open(const Interface& interface, SocketType type, SendMethod method) {
    Fd fd(::socket(AF_PACKET, (type == SocketType::raw ? SOCK_RAW : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
    if (!fd) return socket_error(type, errno);
    if (method == SendMethod::send)
        if (Status bound = bind_to(fd, interface); !bound) return tl::unexpected(bound.error());
    return PacketSocket(std::move(fd), destination(interface), type, method);
}

ssize_t PacketSocket::send(std::span<const std::uint8_t> frame) const {
    const auto data = type_ == SocketType::raw ? frame : frame.subspan(ethernet_header_size);
    switch (method_) {
        case SendMethod::sendto:
            return ::sendto(fd_.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to_),
                            sizeof to_);
        case SendMethod::send: return ::send(fd_.get(), data.data(), data.size(), 0);
        case SendMethod::sendmsg: break;
    }
    // The kernel reads both: msghdr and iovec merely have no const.
    iovec part{const_cast<std::uint8_t*>(data.data()), data.size()};
    msghdr message{};
    message.msg_name = const_cast<sockaddr_ll*>(&to_);
    message.msg_namelen = sizeof to_;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return ::sendmsg(fd_.get(), &message, 0);
}

}  // namespace sockray
