// Records as the kernel side would make them, for the tests of correlate: a send that went well and the ways to fail.
#pragma once

#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "bpf/records.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/base/stage.h"

namespace sockray::sample {

class Names : public KernelNames {
  public:
    std::string symbol(std::uint64_t address) const override {
        return address == 0x1000 ? "sch_direct_xmit+0x42" : "0x" + std::to_string(address);
    }
    std::string drop_reason(std::uint32_t number) const override {
        switch (number) {
            case 5: return "QDISC_DROP";
            case 6: return "TC_EGRESS";
            case 7: return "NETFILTER_DROP";
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

// Refused after sock_alloc_send_pskb was entered.
inline sr_send failed_at_alloc(int err) {
    sr_send send = not_at_the_driver();
    unpass(send, SR_SLOT_XMIT);
    explain(send, err);
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

// One call on a TX ring that took `frames` frames from it, all of which the driver took.
inline sr_send ring(std::uint32_t frames) {
    sr_send send = taken();
    send.flags = SR_SEND_RETURNED | SR_SEND_TX_RING;
    send.stage[SR_SLOT_BODY] = SR_STAGE_TPACKET_SND;
    send.len = 0;
    send.ret = 60 * frames;
    send.alloc_hits = send.driver_hits = frames;
    return send;
}

// SOCK_PACKET, whose socket is named by the address and has no packet_snd.
inline void make_spkt(sr_send& send) {
    send.sock_type = SOCK_PACKET;
    send.stage[SR_SLOT_SENDMSG] = SR_STAGE_PACKET_SENDMSG_SPKT;
    unpass(send, SR_SLOT_BODY);
    send.msg_namelen = 18;  // struct sockaddr_pkt
}

}  // namespace sockray::sample
