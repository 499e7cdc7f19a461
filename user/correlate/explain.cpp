#include "user/correlate/explain.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "user/base/format.h"
#include "user/base/result.h"
#include "user/base/words.h"
#include "user/correlate/explain_queue.h"
#include "user/correlate/kernel_values.h"
#include "user/correlate/send.h"
#include "user/correlate/vnet_check.h"

namespace sockray {
namespace {

constexpr std::uint32_t address_size = sizeof(sockaddr_ll);
constexpr std::uint32_t address_head = offsetof(sockaddr_ll, sll_addr);

bool reached(const sr_send& record, int slot) {
    return record.span[slot].start != 0;
}

bool has_address(const sr_send& record) {
    return (record.flags & SR_SEND_ADDRESS) != 0;
}

// The frame without the virtio-net header that stands before it.
std::uint64_t frame_length(const sr_send& record) {
    return record.len - std::min<std::uint64_t>(record.len, record.vnet_hdr);
}

bool is_spkt(const sr_send& record) {
    return record.stage[SR_SLOT_SENDMSG] == SR_STAGE_PACKET_SENDMSG_SPKT;
}

bool is_ring(const sr_send& record) {
    return (record.flags & SR_SEND_TX_RING) != 0;
}

// packet_notifier writes -1 into po->ifindex when the interface goes away.
std::string no_device(const sr_send& record) {
    if (is_spkt(record)) return fmt::format("there is no interface '{}'", record.ifname);
    if (has_address(record) && record.ifindex)
        return fmt::format("there is no interface with index {} in the sender's network namespace", record.ifindex);
    if (has_address(record)) return "the address names no interface (its index is 0)";
    if (record.bound_ifindex < 0) return "the interface that the socket was bound to is gone";
    return "the socket is not bound to an interface and the call named none";
}

std::string net_down(const sr_send& record) {
    if ((record.flags & SR_SEND_DEVICE) && !(record.dev_flags & IFF_UP))
        return fmt::format("{} is down", interface_of(record));
    if (reached(record, SR_SLOT_XMIT))
        return fmt::format("{} did not take the frame: its queue is stopped", interface_of(record));
    // sock_alloc_send_pskb: sock_error. The error is of the bound interface, whatever the address names.
    constexpr std::string_view kept = "the socket kept the error";
    if (!reached(record, SR_SLOT_ALLOC) || record.bound_ifindex == record.ifindex)
        return fmt::format("{} is up now, but was down while the socket was bound to it: {}", interface_of(record),
                           kept);
    if (record.bound_ifindex <= 0) return fmt::format("the interface that the socket was bound to went down: {}", kept);
    return fmt::format("interface {}, which the socket is bound to, is or was down: {}", record.bound_ifindex, kept);
}

// packet_snd: len > dev->mtu + reserve; `reserve` is the header's length for SOCK_RAW and SOCK_PACKET.
std::string too_long(const sr_send& record) {
    if (is_ring(record)) {
        const std::string most = record.sock_type == SOCK_DGRAM
                                     ? fmt::format("MTU {}", record.mtu)
                                     : fmt::format("MTU {} + {}", record.mtu, record.hard_header_len);
        const std::string frame =
            fmt::format("a frame of the ring{}", record.ring_len ? fmt::format(", of {} bytes,", record.ring_len) : "");
        // net/packet/af_packet.c, tpacket_snd: the smaller of the two, the device's with room for a VLAN tag; with a
        // virtio-net header the frame's place alone.
        const std::uint64_t by_device = record.mtu + (record.sock_type == SOCK_DGRAM ? 0 : record.hard_header_len);
        constexpr std::uint64_t vlan_tag = 4;
        const bool known = record.ring_len && (record.flags & SR_SEND_DEVICE);
        if (record.vnet_hdr || (known && record.ring_len <= by_device))
            return frame + " is longer than its place there";
        if (!known)
            return fmt::format("{} is longer than its place there, or than {} takes", frame, interface_of(record));
        if (record.ring_len > by_device + vlan_tag)
            return fmt::format("{} is longer than {} takes ({})", frame, interface_of(record), most);
        return fmt::format("{} is longer than its place there, or than {} takes ({})", frame, interface_of(record),
                           most);
    }
    const std::uint64_t length = frame_length(record);
    // net/core/skbuff.c: alloc_skb_with_frags. Since 6.6 packet_snd asks it for larger pieces of memory.
    if (allocation_failed(record))
        return fmt::format("{} need more pages than a frame can have (MAX_SKB_FRAGS)", count_of(length, "byte"));
    const std::uint64_t reserve = record.sock_type == SOCK_DGRAM ? 0 : record.hard_header_len;
    const std::uint64_t most = record.mtu + reserve;
    if (!(record.flags & SR_SEND_DEVICE) || length <= most)
        return fmt::format("{} too many", count_of(length, "byte is", "bytes are"));
    // A longer frame is refused before its bytes are there.
    constexpr std::uint64_t vlan_tag = 4;
    const bool tag_unseen = record.dev_type == ARPHRD_ETHER && length > most + vlan_tag;
    return fmt::format("{} bytes, {} takes at most {} ({}){}", length, interface_of(record), most,
                       reserve ? fmt::format("MTU {} + {}", record.mtu, reserve) : "its MTU",
                       tag_unseen ? fmt::format(", and {} more of a frame with a VLAN tag", vlan_tag) : "");
}

constexpr const char* bad_cmsg = "a control message (cmsg) was not understood";

// !skb->len, where there is no link-layer header either.
std::string empty_frame(const sr_send& record) {
    return fmt::format("the frame has no bytes, and {} adds no header", interface_of(record));
}

// packet_sendmsg_spkt: a struct sockaddr is enough, a frame needs its header.
std::string invalid_spkt(const sr_send& record) {
    constexpr std::uint32_t least_address = sizeof(sockaddr);
    if (record.msg_namelen < least_address)
        return fmt::format("the address has {}, SOCK_PACKET wants at least {}", count_of(record.msg_namelen, "byte"),
                           least_address);
    if ((record.flags & SR_SEND_DEVICE) && record.len < record.hard_header_len)
        return fmt::format("{} less than the link-layer header of {} ({})",
                           count_of(record.len, "byte is", "bytes are"), interface_of(record), record.hard_header_len);
    if (record.len == 0) return empty_frame(record);
    if (record.msg_controllen) return bad_cmsg;
    return "none of packet_sendmsg_spkt's checks that are recorded explains it";
}

std::string invalid_vnet_header(const sr_send& record, std::uint64_t length, bool allocated) {
    std::string wrong;
    if (record.flags & SR_SEND_VNET) wrong = refused_vnet_header(record, length, allocated);
    return "the virtio-net header: " + (wrong.empty() ? vnet_checks(allocated) : wrong);
}

// A frame of the TX ring, whose own length the kernel side has read where it could.
std::string invalid_in_ring(const sr_send& record) {
    const bool allocated = reached(record, SR_SLOT_ALLOC);
    if (!record.ring_len) return "a frame of the ring is malformed";
    if (record.ring_len < record.vnet_hdr)
        return fmt::format("a frame of the ring has {}, less than the virtio-net header of {}",
                           count_of(record.ring_len, "byte"), record.vnet_hdr);
    const std::uint32_t length = record.ring_len - record.vnet_hdr;
    if (allocated && record.sock_type != SOCK_DGRAM && length < record.hard_header_len)
        return fmt::format("a frame of the ring has {}, less than the link-layer header of {} ({})",
                           count_of(length, "byte"), interface_of(record), record.hard_header_len);
    if (allocated && length == 0 && record.hard_header_len == 0) return empty_frame(record);
    if (record.vnet_hdr) return invalid_vnet_header(record, length, allocated);
    return fmt::format("a frame of the ring, of {}, is malformed", count_of(record.ring_len, "byte"));
}

// packet_snd_vnet_parse. Empty where it passed: then the frame was allocated all the same, and the hook there was
// skipped or is off.
std::string invalid_vnet_before_frame(const sr_send& record) {
    if (is_ring(record) || !record.vnet_hdr) return {};
    if (record.len < record.vnet_hdr)
        return fmt::format("{} less than the virtio-net header of {} that the socket expects",
                           count_of(record.len, "byte is", "bytes are"), record.vnet_hdr);
    if (record.flags & SR_SEND_VNET && refused_vnet_header(record, frame_length(record), false).empty()) return {};
    return invalid_vnet_header(record, frame_length(record), false);
}

// The checks of packet_snd before it allocates the frame, in their order; empty where none of them fits.
std::string invalid_arguments(const sr_send& record) {
    if (has_address(record) && record.msg_namelen < address_size)
        return fmt::format("the address has {}, struct sockaddr_ll has {}", count_of(record.msg_namelen, "byte"),
                           address_size);
    if (has_address(record) && record.msg_namelen < record.sll_halen + address_head)
        return fmt::format("the address has {}; with its hardware address of {} it needs {}",
                           count_of(record.msg_namelen, "byte"), record.sll_halen, record.sll_halen + address_head);
    if (record.sock_type == SOCK_DGRAM && has_address(record) && record.msg_namelen < record.addr_len + address_head)
        return fmt::format("the address has {}, too few for a hardware address of {}",
                           count_of(record.msg_namelen, "byte"), interface_of(record));
    const std::string vnet = invalid_vnet_before_frame(record);
    // Of a ring's frame that the kernel marked as malformed the length is known: the call's cmsg was read before it.
    if (!record.msg_controllen || record.ring_len) return vnet;
    return vnet.empty() ? bad_cmsg : fmt::format("{}, or {}", bad_cmsg, vnet);
}

std::string invalid(const sr_send& record) {
    if (is_spkt(record)) return invalid_spkt(record);
    if (!reached(record, SR_SLOT_ALLOC)) {
        if (std::string arguments = invalid_arguments(record); !arguments.empty()) return arguments;
    }
    if (is_ring(record)) return invalid_in_ring(record);
    const bool cooked = record.sock_type == SOCK_DGRAM;
    if (cooked && !has_address(record) && record.dev_type == ARPHRD_ETHER)
        return fmt::format("no destination address: SOCK_DGRAM needs one on {} to build the header",
                           interface_of(record));
    if (!cooked && (record.flags & SR_SEND_DEVICE) && frame_length(record) < record.hard_header_len)
        return fmt::format("{} less than the link-layer header of {} ({})",
                           count_of(frame_length(record), "byte is", "bytes are"), interface_of(record),
                           record.hard_header_len);
    if (frame_length(record) == 0 && record.hard_header_len == 0) return empty_frame(record);
    if (record.vnet_hdr) return invalid_vnet_header(record, frame_length(record), true);
    return "none of packet_snd's checks that are recorded explains it";
}

std::string buffer_full(const sr_send& record) {
    return fmt::format("the send buffer was full ({} of {} bytes in use at the return)",
                       record.wmem_alloc ? record.wmem_alloc - 1 : 0, record.sndbuf);
}

// Linux gives no number for a queue that is stopped: its state at the return tells.
std::string busy(const sr_send& record) {
    return queue_is_stopped(record)
               ? fmt::format("the queue of {} is stopped", interface_of(record))
               : fmt::format("the driver of {} is busy, or had stopped its queue for a moment", interface_of(record));
}

std::string explain_direct_drop(const sr_send& record, const KernelNames& names, const std::string& reason) {
    switch (direct_drop(record, names)) {
        case DirectDrop::no_carrier: return explain_no_carrier(record, reason);
        case DirectDrop::not_given:
            return fmt::format(
                "the frame was dropped before the driver of {} had it{}: the carrier was lost a moment ago, or the "
                "device does not take the frame as it is, and past the qdisc nothing cuts it up",
                interface_of(record), in_brackets(reason));
        case DirectDrop::driver: break;
    }
    return explain_driver_drop(record, names);
}

std::string no_buffers(const sr_send& record, const KernelNames& names) {
    const std::string reason = record.flags & SR_SEND_DROP ? names.drop_reason(record.drop_reason) : "";
    if (!reached(record, SR_SLOT_XMIT)) {
        if (has_frame(record)) return explain_queue_drop(record, names, reason);
        if (is_spkt(record)) return buffer_full(record);  // sock_wmalloc does not wait
        return is_ring(record) ? "no memory for a frame of the ring"
                               : fmt::format("no memory for a frame of {} bytes", frame_length(record));
    }
    if (record.flags & SR_SEND_PASSED_ON)
        return explain_passing_on(record) + (record.flags & SR_SEND_DROP
                                                 ? ", where it was dropped" + in_brackets(reason)
                                                 : ", and past the qdisc the kernel tells that as a drop");
    if (record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT)
        return record.xmit_ret == netdev_tx_busy ? busy(record) : explain_direct_drop(record, names, reason);
    if (reached(record, SR_SLOT_DRIVER)) return explain_driver_drop(record, names);
    return explain_queue_drop(record, names, reason);
}

// tpacket_fill_skb takes the frame's pages as they are in the ring, and copies nothing from the caller.
std::string too_many_pages(const sr_send& record) {
    return fmt::format("a frame of the ring{} needs more pages than a frame can have (MAX_SKB_FRAGS)",
                       record.ring_len ? fmt::format(", of {} bytes,", record.ring_len) : "");
}

// io_uring adds MSG_DONTWAIT to a request's first try (io_uring/net.c: io_send, IO_URING_F_NONBLOCK). On EAGAIN it
// waits for room and tries again, and only what comes of that is told to the program; unless the request itself asked
// not to wait (REQ_F_NOWAIT), which packet_sendmsg is not shown.
std::string would_block(const sr_send& record) {
    if (!(record.msg_flags & MSG_DONTWAIT)) return buffer_full(record) + ", and SO_SNDTIMEO ran out";
    if (entry_name(record) == "io_uring")
        return buffer_full(record) +
               ": io_uring's first try does not wait; unless the request asked for that itself, io_uring tries again, "
               "as another send";
    return buffer_full(record) + ", and the call does not wait";
}

bool is_killed(const sr_send& record) {
    return record.flags & SR_SEND_KILLED;
}

std::string_view signal_words(const sr_send& record) {
    return is_killed(record) ? "the thread was killed, by a fatal signal or with its process, while the call waited"
                             : "a signal came while the call waited";
}

// Of ERESTARTSYS, which no program ever sees.
std::string_view restart_words(const sr_send& record) {
    return is_killed(record) ? "" : "; the program sees EINTR, or the call begins again";
}

std::string interrupted(const sr_send& record) {
    return fmt::format("{}: {}", signal_words(record), buffer_full(record));
}

std::string restarted(const sr_send& record) {
    const std::string_view seen = restart_words(record);
    return fmt::format("{}{}{}", interrupted(record), seen, seen.empty() ? "" : ", as another send");
}

std::string explanation(int err, const sr_send& record, const KernelNames& names) {
    switch (err) {
        case ENXIO:
        case ENODEV: return no_device(record);
        case ENETDOWN: return net_down(record);
        case EMSGSIZE: return too_long(record);
        case EINVAL: return invalid(record);
        case ENOBUFS: return no_buffers(record, names);
        case EAGAIN: return would_block(record);
        case EINTR: return interrupted(record);
        case erestartsys: return restarted(record);
        case EFAULT: return is_ring(record) ? too_many_pages(record) : "the memory of the frame could not be read";
        case EPROTONOSUPPORT: return fmt::format("{} cannot send without a checksum (SO_NOFCS)", interface_of(record));
        // net/packet/af_packet.c, tpacket_snd: the first test under the ring's lock
        case EBUSY:
            return is_ring(record) && !reached(record, SR_SLOT_ALLOC)
                       ? "the TX ring was taken away while the call waited for it (PACKET_TX_RING without frames)"
                       : errno_text(err);
        case EPIPE: return "the socket is shut down for sending";
        case ENOTCONN: return "SOCK_PACKET needs an address that names the interface";
        default: return errno_text(err);
    }
}

}  // namespace

bool has_frame(const sr_send& record) {
    return record.alloc_hits > 0 || (record.flags & SR_SEND_DROP);
}

bool allocation_failed(const sr_send& record) {
    return record.span[SR_SLOT_ALLOC].end != 0 && !has_frame(record) && !reached(record, SR_SLOT_XMIT);
}

std::string explain_failure(const sr_send& record, const KernelNames& names) {
    const auto err = static_cast<int>(-record.ret);
    return fmt::format("{}: {}", errno_name(err), explanation(err, record, names));
}

DirectDrop direct_drop(const sr_send& record, const KernelNames& names) {
    if (record.drop_in_driver) return DirectDrop::driver;
    if (has_no_carrier(record)) return DirectDrop::no_carrier;
    // What it does not give to the driver it frees as dropped, by kfree_skb_list, or validate_xmit_skb does.
    if (!(record.flags & SR_SEND_DROP)) return DirectDrop::driver;
    const std::string place = names.symbol(record.drop_location);
    for (const char* before : {"__dev_direct_xmit", "validate_xmit_", "kfree_skb_list"})
        if (place.starts_with(before)) return DirectDrop::not_given;
    return DirectDrop::driver;
}

int wait_errno(const sr_send& record) {
    if (record.flags & SR_SEND_WAIT_TIMED_OUT) return ETIMEDOUT;
    return record.flags & SR_SEND_WAIT_SIGNAL ? erestartsys : 0;
}

std::string explain_wait(const sr_send& record) {
    const int err = wait_errno(record);
    if (!err) return {};
    if (err == ETIMEDOUT)
        return "the call returned ETIMEDOUT: SO_SNDTIMEO ran out while it waited for the ends of its frames";
    return fmt::format("the call returned {}: {} for the ends of its frames{}", errno_name(err), signal_words(record),
                       restart_words(record));
}

std::string explain_passing_on(const sr_send& record) {
    if (!(record.flags & SR_SEND_PASSED_ON)) return {};
    return fmt::format("a filter at the egress of {} (netfilter, tc) passed the frame on to {}", interface_of(record),
                       record.passed_on_to);
}

// include/linux/netdevice.h: bits 0 and 1 of enum netdev_queue_state_t are the driver's and the stack's stop, bit 2 is
// a frozen queue.
bool queue_is_stopped(const sr_send& record) {
    constexpr std::uint32_t stopped = 0x7;
    return record.queue_state & stopped;
}

std::string explain_creation(const sr_socket& record) {
    if (record.ret >= 0) return {};
    const int err = -record.ret;
    const std::string name = errno_name(err);
    switch (err) {
        case EPERM:
            return record.create_seen
                       ? name +
                             ": packet_create asks for CAP_NET_RAW in the user namespace that owns the network "
                             "namespace"
                       : name +
                             ": packet_create was not seen: a security module refused before it was called, or it "
                             "is not hooked";
        case ESOCKTNOSUPPORT:
            return fmt::format("{}: type {} is none of SOCK_RAW, SOCK_DGRAM and SOCK_PACKET", name, record.sock_type);
        default: return fmt::format("{}: {}", name, errno_text(err));
    }
}

}  // namespace sockray
