// Records as the kernel side would make them, for the tests of correlate: a send that went well and the ways to fail.
#pragma once

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "bpf/records.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/base/stage.h"
#include "user/correlate/send.h"

namespace sockray::sample {

class Names : public KernelNames {
  public:
    std::string symbol(std::uint64_t address) const override {
        switch (address) {
            case 0x1000: return "sch_direct_xmit+0x42";
            case 0x1001: return "__dev_direct_xmit+0x1c4";
            case 0x1002: return "kfree_skb_list_reason+0x1c";
            case 0x1003: return "validate_xmit_skb+0x2f8";
            case 0x1004: return "__dev_forward_skb2+0x11a";
            case 0x1005: return "__rtnl_unlock+0x4e";
            case 0x1006: return "etf_dequeue_timesortedlist+0x150";
            case 0x1007: return "tun_net_xmit+0x2c5";
            case 0x1008: return "__dev_queue_xmit+0x7d4";
            default: return "0x" + std::to_string(address);
        }
    }
    std::string drop_reason(std::uint32_t number) const override {
        switch (number) {
            case 5: return "QDISC_DROP";
            case 6: return "TC_EGRESS";
            case 7: return "NETFILTER_DROP";
            case 8: return "NOT_SPECIFIED";
            case 9: return "FQ_HORIZON_LIMIT";
            case 10: return "FULL_RING";
            default: return "reason " + std::to_string(number);
        }
    }
};

// Every stage has a hook of its own.
inline Plan plan() {
    Plan plan;
    for (const StageInfo& info : all_stages)
        plan.lines.push_back({info.stage, Evidence::probed, std::string(info.name), 0, "kprobe+kretprobe", ""});
    return plan;
}

inline Plan plan_without(Stage stage) {
    Plan changed = plan();
    *changed.find(stage) = {stage, Evidence::absent, "", 0, "none", "no such function"};
    return changed;
}

template <std::size_t size>
void set(char (&field)[size], std::string_view text) {
    std::fill(std::begin(field), std::end(field), '\0');
    std::copy_n(text.begin(), std::min(text.size(), size - 1), field);
}

inline void pass(sr_send& send, int slot, Stage stage, std::uint64_t start, std::uint64_t end) {
    send.stage[slot] = static_cast<__u8>(stage);
    send.span[slot] = {start, end};
}

// A record as the session judges it.
inline Send send_of(const sr_send& record, FrameEnd end = FrameEnd::known, std::uint32_t consumed = 0) {
    Send send;
    send.id = 1;
    send.record = record;
    send.frame_end = end;
    send.frames_consumed = consumed;
    return send;
}

// One frame of 60 bytes, given to sendto() with an address, that the driver of veth0 took.
inline sr_send taken() {
    sr_send send{};
    send.head = {SR_RECORD_SEND, sizeof send, 1, 0, 7};
    send.pid = send.tid = 100;
    set(send.comm, "arping");
    set(send.ifname, "veth0");
    send.socket_ino = 4711;
    send.netns_ino = 4026531840;
    send.syscall = SYS_sendto;
    send.flags = SR_SEND_RETURNED | SR_SEND_ADDRESS;
    send.len = 60;
    send.ret = 60;
    send.sendmsg_fn = 0x2000;
    send.sock_type = SOCK_RAW;
    send.ifindex = 3;
    send.msg_namelen = 20;
    send.body_hits = send.alloc_hits = send.driver_hits = 1;
    pass(send, SR_SLOT_ENTRY, Stage::sys_sendto, 1000, 1900);
    pass(send, SR_SLOT_LOOKUP, Stage::sockfd_lookup, 1050, 1070);
    pass(send, SR_SLOT_INNER, Stage::sock_sendmsg_inner, 1080, 1850);
    pass(send, SR_SLOT_SENDMSG, Stage::packet_sendmsg, 1100, 1800);
    pass(send, SR_SLOT_BODY, Stage::packet_snd, 1150, 0);
    pass(send, SR_SLOT_ALLOC, Stage::alloc, 1200, 1300);
    pass(send, SR_SLOT_XMIT, Stage::queue_xmit, 1400, 1700);
    pass(send, SR_SLOT_DRIVER, Stage::start_xmit, 1500, 1600);
    return send;
}

inline void unpass(sr_send& send, int slot) {
    send.stage[slot] = SR_STAGE_NONE;
    send.span[slot] = {0, 0};
    if (slot == SR_SLOT_ALLOC) send.alloc_hits = 0;
    if (slot == SR_SLOT_DRIVER) send.driver_hits = 0;
}

// The same until a driver was asked: the qdisc kept it, or somebody freed it.
inline sr_send not_at_the_driver() {
    sr_send send = taken();
    unpass(send, SR_SLOT_DRIVER);
    return send;
}

// What the kernel side reads of a send that failed; the device is veth0, up, with an MTU of 1500.
inline void explain(sr_send& send, int err) {
    send.ret = -err;
    send.flags |= SR_SEND_EXPLAINED | SR_SEND_DEVICE;
    send.sndbuf = 212992;
    send.wmem_alloc = 1;
    send.dev_flags = IFF_UP | IFF_RUNNING;
    send.mtu = 1500;
    send.hard_header_len = 14;
    send.dev_type = ARPHRD_ETHER;
    send.addr_len = 6;
    send.sll_halen = 6;
}

// Refused by the device's own code behind __dev_queue_xmit.
inline sr_send failed_in_driver(int err) {
    sr_send send = taken();
    explain(send, err);
    send.driver_hits = 0;
    send.xmit_ret = send.driver_ret = 1;
    return send;
}

// Refused by __dev_queue_xmit before a driver was asked.
inline sr_send failed_in_xmit(int err) {
    sr_send send = not_at_the_driver();
    explain(send, err);
    send.xmit_ret = 1;
    return send;
}

// Refused behind sock_alloc_send_pskb, which gave a frame.
inline sr_send failed_behind_alloc(int err) {
    sr_send send = not_at_the_driver();
    unpass(send, SR_SLOT_XMIT);
    explain(send, err);
    return send;
}

// Refused by sock_alloc_send_pskb.
inline sr_send failed_at_alloc(int err) {
    sr_send send = failed_behind_alloc(err);
    send.alloc_hits = 0;
    return send;
}

// The frame was dropped past the qdisc by netfilter's egress, before __dev_direct_xmit.
inline sr_send dropped_by_netfilter() {
    sr_send send = failed_behind_alloc(ENOBUFS);
    send.flags |= SR_SEND_DROP;
    send.drops = 1;
    send.drop_reason = 7;
    return send;
}

// Refused by packet_snd before it called anything that can be hooked.
inline sr_send refused(int err) {
    sr_send send = failed_at_alloc(err);
    unpass(send, SR_SLOT_ALLOC);
    return send;
}

// Refused because no device was found: neither name nor index nor anything of it is known.
inline sr_send without_device(int err) {
    sr_send send = refused(err);
    send.flags &= ~(SR_SEND_DEVICE | SR_SEND_ADDRESS);
    set(send.ifname, "");
    send.msg_namelen = 0;
    send.ifindex = 0;
    send.mtu = send.dev_flags = 0;
    send.hard_header_len = send.dev_type = 0;
    send.addr_len = send.sll_halen = 0;
    return send;
}

// The frame of this number of a call on a TX ring, which the driver took.
inline sr_send ring(std::uint32_t frame = 0) {
    sr_send send = taken();
    send.flags = SR_SEND_RETURNED | SR_SEND_TX_RING;
    send.stage[SR_SLOT_BODY] = SR_STAGE_TPACKET_SND;
    send.ring_frame = frame;
    return send;
}

// A frame of a TX ring that was not well-formed, and that PACKET_LOSS let the kernel pass over.
inline sr_send skipped(std::uint32_t frame = 0) {
    sr_send send = ring(frame);
    send.flags |= SR_SEND_SKIPPED;
    send.ret = 0;
    send.len = 0;
    for (const int slot : {SR_SLOT_XMIT, SR_SLOT_DRIVER}) unpass(send, slot);
    return send;
}

// A qdisc kept the frame beyond the return of the send; what became of it is for frame records to tell.
inline sr_send followed(std::uint64_t id = 1) {
    sr_send send = not_at_the_driver();
    send.id = id;
    send.flags |= SR_SEND_TRACKED;
    set(send.qdisc, "tbf");
    return send;
}

// What became of the frame of send `id`; nothing of it but the kind.
inline sr_frame frame(std::uint64_t id, std::uint32_t kind, std::uint64_t ns = 5000) {
    sr_frame frame{};
    frame.head = {SR_RECORD_FRAME, sizeof frame, 2, 0, 3};
    frame.send = id;
    frame.kind = kind;
    frame.ns = ns;
    return frame;
}

// The driver returned `ret`.
inline sr_frame frame_taken(std::uint64_t id, std::uint64_t start = 4000, std::int32_t ret = 0) {
    sr_frame taken = frame(id, SR_FRAME_TAKEN, start + 50);
    taken.ret = ret;
    taken.dequeued = start - 100;
    taken.ndo = {start, start + 50};
    taken.ndo_fn = 0x3000;
    return taken;
}

inline sr_frame frame_dropped(std::uint64_t id, std::uint64_t ns = 4000) {
    sr_frame dropped = frame(id, SR_FRAME_DROPPED, ns);
    dropped.drop_reason = 5;
    dropped.drop_location = 0x1000;
    return dropped;
}

inline sr_frame frame_segmented(std::uint64_t id, std::uint32_t segments) {
    sr_frame segmented = frame(id, SR_FRAME_SEGMENTED, 3000);
    segmented.segments = segments;
    return segmented;
}

inline sr_frame frame_received(std::uint64_t id, std::uint32_t received, std::uint64_t ino = 777) {
    sr_frame offered = frame(id, SR_FRAME_RECEIVED, 4500);
    offered.stage = SR_STAGE_TPACKET_RCV;
    offered.received = received;
    offered.socket_ino = ino;
    return offered;
}

// SOCK_PACKET, whose socket is named by the address and has no packet_snd.
inline void make_spkt(sr_send& send) {
    send.sock_type = SOCK_PACKET;
    send.stage[SR_SLOT_SENDMSG] = SR_STAGE_PACKET_SENDMSG_SPKT;
    unpass(send, SR_SLOT_BODY);
    send.msg_namelen = 18;  // struct sockaddr_pkt
}

}  // namespace sockray::sample
