#include "user/drive/socket.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "user/base/format.h"
#include "user/drive/frame.h"

namespace sockray {
namespace {

constexpr std::array<std::string_view, 9> method_names = {"sendto", "send",    "sendmsg", "sendmmsg", "write",
                                                          "writev", "ring-v1", "ring-v2", "ring-v3"};
constexpr std::array<std::string_view, 3> socket_names = {"raw", "dgram", "packet"};
constexpr std::array<const char*, 3> kernel_names = {"SOCK_RAW", "SOCK_DGRAM", "SOCK_PACKET"};
constexpr std::array<int, 3> kernel_types = {SOCK_RAW, SOCK_DGRAM, SOCK_PACKET};

// struct sockaddr_pkt has 14 bytes for the name, and packet_sendmsg_spkt() makes the last one 0.
constexpr std::size_t longest_name_of_packet = 13;

constexpr std::size_t index_of(SocketType type) {
    return static_cast<std::size_t>(type);
}

bool names_destination(SendMethod method) {
    return method == SendMethod::sendto || method == SendMethod::sendmsg || method == SendMethod::sendmmsg;
}

tl::unexpected<Error> socket_error(SocketType type, int err) {
    const std::string what = fmt::format("cannot open a packet socket (socket(AF_PACKET, {}, 0)): {}",
                                         kernel_names[index_of(type)], errno_text(err));
    if (err == EPERM || err == EACCES) return not_allowed(what, "run as root, or with the capability CAP_NET_RAW");
    if (err == EAFNOSUPPORT)
        return not_allowed(what, "this kernel has no packet sockets: load them with modprobe af_packet");
    return fail(what);
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

Status switch_on(const Fd& fd, int option, const char* name) {
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_PACKET, option, &on, sizeof on) != 0)
        return fail(fmt::format("cannot set {} on a packet socket: {}", name, errno_text(errno)));
    return {};
}

// SOCK_PACKET is served by packet_ops_spkt, which has sendmsg and next to nothing else.
Status check_packet(const Interface& interface, const SocketOptions& options) {
    constexpr const char* remedy = "use --socket raw";
    if (is_ring(options.method))
        return usage(
            "a packet socket (SOCK_PACKET) has no TX ring: it has no socket options (net/packet/af_packet.c, "
            "packet_ops_spkt has no setsockopt)",
            remedy);
    if (!names_destination(options.method))
        return usage(
            fmt::format("{} on a packet socket (SOCK_PACKET) cannot work: it names no interface, and the kernel "
                        "takes it from the address only (net/packet/af_packet.c, packet_sendmsg_spkt: ENOTCONN)",
                        method_name(options.method)),
            "use --method sendto, sendmsg or sendmmsg, or --socket raw");
    if (options.bypass || options.vnet_hdr)
        return usage(fmt::format("{} cannot be set on a packet socket (SOCK_PACKET): it has no socket options "
                                 "(net/packet/af_packet.c, packet_ops_spkt has no setsockopt)",
                                 options.bypass ? "PACKET_QDISC_BYPASS" : "PACKET_VNET_HDR"),
                     remedy);
    if (interface.name.size() > longest_name_of_packet)
        return usage(
            fmt::format("a packet socket (SOCK_PACKET) cannot name {}: struct sockaddr_pkt has room for {} bytes",
                        printable_name(interface.name), longest_name_of_packet),
            remedy);
    return {};
}

// On Ethernet, eth_header() refuses to build a header without a destination except for loopback and IFF_NOARP devices:
// packet_snd answers EINVAL to every send. connect() would not help: packet_ops has none. A ring's call can name one.
Status check_dgram(const Interface& interface, const SocketOptions& options) {
    if (options.vnet_hdr)
        return usage(
            "PACKET_VNET_HDR cannot be set on a dgram socket: the kernel takes it on SOCK_RAW only "
            "(net/packet/af_packet.c, packet_setsockopt: EINVAL)",
            "use --socket raw");
    if (names_destination(options.method) || is_ring(options.method) || interface.flags & (IFF_LOOPBACK | IFF_NOARP))
        return {};
    return usage(fmt::format("{} on a dgram socket cannot work on {}: it gives no destination address, and without "
                             "one the kernel cannot build the Ethernet header (net/ethernet/eth.c, eth_header: EINVAL)",
                             method_name(options.method), printable_name(interface.name)),
                 "use --method sendto or sendmsg, or --socket raw");
}

}  // namespace

unsigned batch_of(const SocketOptions& options) {
    if (!is_batched(options.method)) return 1;
    return options.batch ? options.batch : default_batch;
}

std::string_view method_name(SendMethod method) {
    return method_names[static_cast<std::size_t>(method)];
}

std::string_view socket_name(SocketType type) {
    return socket_names[index_of(type)];
}

Status check_socket(const Interface& interface, const SocketOptions& options) {
    if (options.batch && !is_batched(options.method))
        return usage(fmt::format("{} sends one frame a call: there is no batch", method_name(options.method)),
                     "use --batch with --method sendmmsg or ring-v1, ring-v2, ring-v3");
    if (options.batch > max_batch)
        return usage(
            fmt::format("a batch of {} frames is too large: at most {} go into one call (net/socket.c, "
                        "__sys_sendmmsg: UIO_MAXIOV)",
                        options.batch, max_batch));
    switch (options.type) {
        case SocketType::packet: return check_packet(interface, options);
        case SocketType::dgram: return check_dgram(interface, options);
        case SocketType::raw: break;
    }
    return {};
}

Status check_frame_on(const FrameSpec& frame, const SocketOptions& options) {
    if (frame.gso && !options.vnet_hdr)
        return usage("segmentation is asked for in the struct virtio_net_hdr before the frame, and there is none",
                     "add --vnet-hdr");
    if (frame.source_mac && options.type == SocketType::dgram)
        return usage(
            "a dgram socket sends from the interface's own address: the kernel builds the Ethernet header "
            "(net/packet/af_packet.c, packet_snd: dev_hard_header without a source)",
            "use --socket raw, or no --src-mac");
    return {};
}

Result<PacketSocket> PacketSocket::open(const Interface& interface, const SocketOptions& options) {
    Fd fd(::socket(AF_PACKET, kernel_types[index_of(options.type)] | SOCK_CLOEXEC, 0));
    if (!fd) return socket_error(options.type, errno);
    if (options.bypass)
        if (Status set = switch_on(fd, PACKET_QDISC_BYPASS, "PACKET_QDISC_BYPASS"); !set)
            return tl::unexpected(set.error());
    if (options.vnet_hdr)  // before the ring: EBUSY behind it
        if (Status set = switch_on(fd, PACKET_VNET_HDR, "PACKET_VNET_HDR"); !set) return tl::unexpected(set.error());
    if (!names_destination(options.method))
        if (Status bound = bind_to(fd, interface); !bound) return tl::unexpected(bound.error());
    return PacketSocket(std::move(fd));
}

Destination::Destination(const Interface& interface, SocketType type) : by_name_(type == SocketType::packet) {
    if (by_name_) {
        to_.name.spkt_family = AF_PACKET;
        interface.name.copy(reinterpret_cast<char*>(to_.name.spkt_device), longest_name_of_packet);
        return;
    }
    to_.link.sll_family = AF_PACKET;
    to_.link.sll_ifindex = interface.ifindex;
    to_.link.sll_halen = ETH_ALEN;
}

void Destination::take_from(std::span<const std::uint8_t> frame) {
    if (frame.size() < ethernet_header_size) return;
    std::uint16_t ethertype = 0;
    std::memcpy(&ethertype, frame.data() + offsetof(ethhdr, h_proto), sizeof ethertype);
    if (by_name_) {
        to_.name.spkt_protocol = ethertype;
        return;
    }
    to_.link.sll_protocol = ethertype;
    std::copy_n(frame.begin(), ETH_ALEN, to_.link.sll_addr);
}

}  // namespace sockray
