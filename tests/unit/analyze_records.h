// Records as the kernel side would make them, for the tests of analyze, live and report.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>

#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"

namespace sockray::made {

struct Names : KernelNames {
    std::string symbol(std::uint64_t address) const override {
        switch (address) {
            case 0: return "0";
            case 1: return "packet_ops";
            case 2: return "packet_sendmsg";
            case 3: return "packet_create";
            case 4: return "packet_sock_destruct";
            case 5: return "packet_family_ops";
            case 6: return "veth_xmit";
            case 7: return "__dev_direct_xmit+0x1c4";
            default: return "0x" + std::to_string(address);
        }
    }
    std::string drop_reason(std::uint32_t number) const override {
        switch (number) {
            case 17: return "QDISC_DROP";
            case 18: return "NETFILTER_DROP";
            default: return "reason " + std::to_string(number);
        }
    }
};

// A plan as Debian's 6.1 has it, or with `inlined` as 6.12 has it.
inline Plan plan(bool inlined = false) {
    Plan plan;
    for (const StageInfo& info : all_stages) {
        PlanLine line{info.stage, Evidence::probed, std::string(info.name), 0, "kprobe+kretprobe", ""};
        if (info.slot == SR_SLOT_BODY)
            line = {info.stage,       Evidence::located,
                    "packet_sendmsg", info.stage == Stage::packet_snd ? 1547U : 74U,
                    "kprobe",         "inlined: packet_sendmsg tests tx_ring.pg_vec at +55 and branches at +68"};
        if (is_moment(info.slot) && info.slot != SR_SLOT_RECEIVE) line.hook = "tracepoint";
        if (info.stage == Stage::freed)
            line = {info.stage, Evidence::probed, "consume_skb",
                    0,          "tracepoint",     "the skb's end: tracepoints consume_skb and kfree_skb"};
        if (info.stage == Stage::ndo)
            line = {info.stage,
                    Evidence::probed,
                    "net_dev_start_xmit",
                    0,
                    "tracepoint",
                    "the driver's own function, between the tracepoints net_dev_start_xmit and net_dev_xmit"};
        if (inlined && info.stage == Stage::sockfd_lookup)
            line = {info.stage,
                    Evidence::derived,
                    "",
                    0,
                    "none",
                    "no such symbol here: the system call looks the descriptor up itself; which socket it "
                    "found is "
                    "read from the argument of packet_sendmsg"};
        if (inlined && info.stage == Stage::sock_sendmsg_inner)
            line = {info.stage,
                    Evidence::derived,
                    "",
                    0,
                    "none",
                    "no such symbol here: inlined into its callers; that a send passed it follows from the "
                    "entry of "
                    "packet_sendmsg, which only it calls"};
        plan.lines.push_back(line);
    }
    return plan;
}

template <std::size_t N>
void set(char (&field)[N], std::string_view text) {
    std::fill(std::begin(field), std::end(field), '\0');
    std::copy_n(text.begin(), std::min(text.size(), N - 1), field);
}

inline void pass(sr_send& record, int slot, Stage stage, std::uint64_t start, std::uint64_t end) {
    record.stage[slot] = static_cast<__u8>(stage);
    record.span[slot] = {start, end};
}

// A frame of 42 bytes that went from sendto to the driver of veth0, begun at `begin`; every time is `scale`
// times as long as in a send of 10 us.
inline Send delivered(std::uint64_t id = 1, std::uint64_t begin = 1'000'000, std::uint64_t scale = 1) {
    Send send;
    send.id = id;
    send.outcome = Outcome::delivered;
    sr_send& record = send.record;
    record.pid = 812;
    record.tid = 812;
    set(record.comm, "arping");
    set(record.ifname, "veth0");
    record.socket_ino = 34567;
    record.netns_ino = 4026531840;
    record.syscall = SYS_sendto;
    record.flags = SR_SEND_RETURNED | SR_SEND_ADDRESS;
    record.len = 42;
    record.ret = 42;
    record.sendmsg_fn = 2;
    record.sock_type = SOCK_RAW;
    record.protocol = htons(0x0806);
    record.ifindex = 3;
    record.body_hits = record.alloc_hits = record.driver_hits = 1;
    const auto at = [&](std::uint64_t ns) { return begin + ns * scale; };
    pass(record, SR_SLOT_ENTRY, Stage::sys_sendto, at(0), at(10'000));
    pass(record, SR_SLOT_LOOKUP, Stage::sockfd_lookup, at(200), at(600));
    pass(record, SR_SLOT_INNER, Stage::sock_sendmsg_inner, at(800), at(9'600));
    pass(record, SR_SLOT_SENDMSG, Stage::packet_sendmsg, at(1'000), at(9'200));
    pass(record, SR_SLOT_BODY, Stage::packet_snd, at(1'200), 0);
    pass(record, SR_SLOT_ALLOC, Stage::alloc, at(1'500), at(2'800));
    pass(record, SR_SLOT_XMIT, Stage::queue_xmit, at(3'500), at(9'000));
    pass(record, SR_SLOT_DRIVER, Stage::start_xmit, at(5'000), at(8'500));
    return send;
}

inline void unpass(sr_send& record, std::initializer_list<int> slots) {
    for (const int slot : slots) pass(record, slot, Stage::none, 0, 0);
}

// The same, refused by packet_snd before there was a frame.
inline Send failed(std::uint64_t id = 2, std::uint64_t begin = 1'000'000) {
    Send send = delivered(id, begin);
    send.outcome = Outcome::failed;
    send.end_stage = Stage::packet_snd;
    send.reason = "ENETDOWN: veth0 is down";
    send.record.ret = -100;
    send.record.alloc_hits = send.record.driver_hits = 0;
    unpass(send.record, {SR_SLOT_ALLOC, SR_SLOT_XMIT, SR_SLOT_DRIVER});
    return send;
}

// Given back as sent and freed by the qdisc.
inline Send dropped(std::uint64_t id = 3, std::uint64_t begin = 1'000'000) {
    Send send = delivered(id, begin);
    send.outcome = Outcome::dropped;
    send.end_stage = Stage::queue_xmit;
    send.reason = "QDISC_DROP at __dev_queue_xmit+0x1c, inside __dev_queue_xmit";
    send.record.flags |= SR_SEND_DROP;
    send.record.drop_reason = 17;
    send.record.xmit_ret = 1;
    send.record.driver_hits = 0;
    unpass(send.record, {SR_SLOT_DRIVER});
    return send;
}

// One frame of a TX ring, taken by a call of its own.
inline Send ring(std::uint64_t id = 4, std::uint64_t begin = 1'000'000) {
    Send send = delivered(id, begin, 4);
    sr_send& record = send.record;
    record.flags = SR_SEND_RETURNED | SR_SEND_TX_RING;
    record.stage[SR_SLOT_BODY] = SR_STAGE_TPACKET_SND;
    record.stage[SR_SLOT_XMIT] = SR_STAGE_DIRECT_XMIT;
    return send;
}

// The frame of that number of a call that took several: what stands around packet_sendmsg is none of one frame.
inline Send ring_of_many(std::uint32_t frame, std::uint64_t id = 4) {
    Send send = ring(id, 1'000'000 + frame * 50'000ULL);
    send.record.ring_frame = frame;
    for (int slot = 0; slot < SR_SLOT_OUTER; slot++) send.record.span[slot] = {0, 0};
    return send;
}

// With all stages on: a qdisc kept the frame beyond the return of the send, softirq gave it to the driver 30 us after
// the send had begun, a packet socket of this machine got it, and its skb was freed 40 us after.
inline Send followed(std::uint64_t id = 5, std::uint64_t begin = 1'000'000) {
    Send send = delivered(id, begin);
    sr_send& record = send.record;
    record.flags |= SR_SEND_TRACKED;
    unpass(record, {SR_SLOT_DRIVER});
    const auto at = [&](std::uint64_t ns) { return begin + ns; };
    pass(record, SR_SLOT_COPY, Stage::copy, at(2'900), at(3'000));
    pass(record, SR_SLOT_PARSE, Stage::parse, at(3'100), at(3'200));
    pass(record, SR_SLOT_PACKET_XMIT, Stage::packet_xmit, at(3'300), at(9'100));
    pass(record, SR_SLOT_ENQUEUE, Stage::enqueue, at(6'000), at(6'000));
    pass(record, SR_SLOT_DEQUEUE, Stage::dequeue, at(28'000), at(28'000));
    pass(record, SR_SLOT_NDO, Stage::ndo, at(29'000), at(30'000));
    pass(record, SR_SLOT_RECEIVE, Stage::packet_rcv, at(35'000), at(35'000));
    pass(record, SR_SLOT_FREED, Stage::freed, at(40'000), at(40'000));
    set(record.qdisc, "tbf");
    record.qdisc_len = 3;
    record.ndo_fn = 6;
    record.receivers = 1;
    record.received = SR_RECEIVED_TAKEN;
    record.received_ino = 777;
    record.frees = 1;
    return send;
}

// The send as a kernel records it that has inlined sockfd_lookup_light and __sock_sendmsg.
inline Send inlined(Send send) {
    unpass(send.record, {SR_SLOT_LOOKUP, SR_SLOT_INNER});
    return send;
}

inline sr_socket socket() {
    sr_socket record{};
    record.pid = record.tid = 812;
    set(record.comm, "arping");
    record.netns_ino = 4026531840;
    record.socket_ino = 34567;
    record.family = AF_PACKET;
    record.sock_type = SOCK_RAW;
    record.protocol = htons(0x0806);
    record.net_family = 5;
    record.net_family_create = 3;
    record.net_family_number = AF_PACKET;
    record.sk_family = AF_PACKET;
    record.po_num = htons(0x0806);
    record.ops = 1;
    record.ops_sendmsg = 2;
    record.sk_destruct = 4;
    record.create_seen = 1;
    record.create = {900'000, 904'210};
    record.packet_create = {901'000, 903'020};
    return record;
}

// What the kernel answers a program without CAP_NET_RAW.
inline sr_socket refused_socket() {
    sr_socket record = socket();
    record.ret = record.create_ret = -1;
    record.socket_ino = record.ops = record.ops_sendmsg = record.sk_destruct = 0;
    record.sk_family = record.po_num = 0;
    return record;
}

}  // namespace sockray::made
