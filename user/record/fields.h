// Which field of recording.proto is which member: one list for writing and reading. A visitor has
//   number(field, member)   integers; those of a signed type in zigzag encoding
//   text(field, member)     char arrays, std::string
#pragma once

#include "user/base/origin.h"
#include "user/base/plan.h"
#include "user/correlate/sink.h"

namespace sockray {

void visit_socket(auto&& v, auto& r) {
    v.number(2, r.head.cpu);
    v.number(3, r.head.seq);
    v.number(4, r.pid);
    v.number(5, r.tid);
    v.text(6, r.comm);
    v.number(7, r.uid);
    v.number(8, r.netns_ino);
    v.number(9, r.socket_ino);
    v.number(10, r.family);
    v.number(11, r.sock_type);
    v.number(12, r.protocol);
    v.number(13, r.kern);
    v.number(14, r.ret);
    v.number(15, r.create_ret);
    v.number(16, r.net_family);
    v.number(17, r.net_family_create);
    v.number(18, r.net_family_number);
    v.number(19, r.sk_family);
    v.number(20, r.po_num);
    v.number(21, r.ops);
    v.number(22, r.ops_sendmsg);
    v.number(23, r.sk_destruct);
    v.number(24, r.create_seen);
    v.number(25, r.create.start);
    v.number(26, r.create.end);
    v.number(27, r.packet_create.start);
    v.number(28, r.packet_create.end);
}

// All of struct sr_send but its stages. Inline, so that where the reader or the writer stands stays in a register.
[[gnu::always_inline]] constexpr void visit_send(auto&& v, auto& r) {
    v.number(8, r.head.cpu);
    v.number(9, r.head.seq);
    v.number(10, r.pid);
    v.number(11, r.tid);
    v.text(12, r.comm);
    v.number(13, r.socket_ino);
    v.number(14, r.netns_ino);
    v.number(15, r.syscall);
    v.number(16, r.flags);
    v.number(17, r.msg_flags);
    v.number(18, r.len);
    v.number(19, r.ret);
    v.number(20, r.cookie);
    v.number(21, r.sendmsg_fn);
    v.number(22, r.sock_type);
    v.number(23, r.protocol);
    v.number(24, r.ifindex);
    v.text(25, r.ifname);
    v.number(26, r.id);
    v.number(27, r.xmit_ret);
    v.number(28, r.driver_ret);
    v.number(29, r.body_hits);
    v.number(30, r.alloc_hits);
    v.number(31, r.driver_hits);
    v.number(32, r.drop_reason);
    v.number(33, r.drop_location);
    v.number(34, r.drop_ns);
    v.number(35, r.ndo_fn);
    v.number(36, r.received_ino);
    v.number(37, r.received);
    v.number(38, r.receivers);
    v.number(39, r.freed_reason);
    v.number(40, r.frees);
    v.number(41, r.drops);
    v.number(42, r.driver_drops);
    v.number(43, r.segments);
    v.number(44, r.ring_frame);
    v.number(45, r.sndbuf);
    v.number(46, r.wmem_alloc);
    v.number(47, r.mtu);
    v.number(48, r.dev_flags);
    v.number(49, r.msg_namelen);
    v.number(50, r.msg_controllen);
    v.number(51, r.bound_ifindex);
    v.number(52, r.hard_header_len);
    v.number(53, r.dev_type);
    v.number(54, r.addr_len);
    v.number(55, r.sll_halen);
    v.number(56, r.vnet_hdr);
    v.number(57, r.drop_in_driver);
    v.text(58, r.qdisc);
    v.number(59, r.qdisc_len);
    v.number(60, r.queue_state);
    v.number(61, r.tx_queue);
    v.number(67, r.ring_len);
    v.text(68, r.passed_on_to);
}

void visit_receiver(auto&& v, auto& receiver) {
    v.number(1, receiver.socket_ino);
    v.number(2, receiver.received);
    v.number(3, receiver.stage);
    v.number(4, receiver.ns);
}

void visit_origin(auto&& v, auto& o) {
    v.text(1, o.version);
    v.text(3, o.host);
    v.text(4, o.kernel);
    v.text(5, o.machine);
    v.number(6, o.start_ns);
    v.number(7, o.realtime_offset_ns);
    v.number(8, o.stages);
}

void visit_plan(auto&& v, auto& line) {
    v.text(3, line.function);
    v.number(4, line.offset);
    v.text(5, line.hook);
    v.text(6, line.reason);
    v.number(8, line.partly);
}

void visit_alternative(auto&& v, auto& one) {
    v.text(1, one.backend);
    v.text(2, one.verdict);
    v.text(3, one.reason);
}

void visit_tally(auto&& v, auto& tally) {
    v.number(1, tally.seen);
    v.number(2, tally.emitted);
    v.number(3, tally.lost.no_room);
    v.number(4, tally.lost.missed);
    v.number(5, tally.lost.no_seat);
    v.number(6, tally.lost.rejected);
}

void visit_ledger(auto&& v, auto& ledger) {
    v.number(6, ledger.shown);
    v.number(7, ledger.partial);
    v.number(8, ledger.sockets_decoded);
    v.number(9, ledger.frames.seen);
    v.number(10, ledger.frames.decoded);
    v.number(11, ledger.frames.no_room);
    v.number(12, ledger.frames.map_full);
    v.number(13, ledger.frames.missed);
    v.number(20, ledger.contradicted);
    v.number(21, ledger.ring_idle);
    v.number(22, ledger.children_lost);
    v.number(23, ledger.pieces_no_room);
    v.number(24, ledger.pieces_unread);
    v.number(25, ledger.filtered);
    v.number(26, ledger.filter_unjudged);
    v.number(27, ledger.filter_no_frame);
    v.number(28, ledger.left_out);
    v.number(29, ledger.frames.rejected);
    v.number(30, ledger.pieces_rejected);
    v.number(31, ledger.others_rejected);
    v.number(32, ledger.ring_idle_timed_out);
    v.number(33, ledger.ring_idle_interrupted);
    v.number(34, ledger.ring_overlapped);
}

void visit_cost(auto&& v, auto& cost) {
    v.number(1, cost.median_ns);
    v.number(2, cost.low_ns);
    v.number(3, cost.high_ns);
}

void visit_cpu(auto&& v, auto& cpu) {
    v.number(1, cpu.cpu);
    v.number(2, cpu.sends_no_room);
    v.number(3, cpu.sockets_no_room);
    v.number(4, cpu.frames_no_room);
    v.number(5, cpu.no_memory);
    v.number(6, cpu.not_followed);
    v.number(7, cpu.unopened);
    v.number(8, cpu.passages_lost);
}

void visit_capture(auto&& v, auto& capture) {
    v.text(1, capture.interface.name);
    v.number(2, capture.interface.ifindex);
    v.number(3, capture.interface.netns_ino);
    v.number(4, capture.interface.link_type);
    v.number(5, capture.seen);
    v.number(6, capture.received);
    v.number(7, capture.sent);
    v.number(8, capture.beyond);
    v.number(9, capture.dropped);
    v.number(10, capture.unread);
    v.number(11, capture.cut);
    v.number(12, capture.freezes);
    v.number(13, capture.untapped);
    v.number(14, capture.left_out);
}

void visit_device(auto&& v, auto& device) {
    v.text(1, device.ifname);
    v.number(2, device.tx_packets);
    v.number(3, device.tx_bytes);
    v.number(4, device.tx_dropped);
    v.number(5, device.tx_errors);
    v.number(6, device.netns_ino);
    v.text(7, device.qdisc.kind);
    v.number(8, device.qdisc.packets);
    v.number(9, device.qdisc.drops);
    v.number(10, device.qdisc.requeues);
    v.number(11, device.qdisc.overlimits);
    v.number(12, device.qdisc.waited);
    v.number(13, device.qdisc.waiting);
    v.number(14, device.ifindex);
    v.number(15, device.gone);
    v.number(16, device.tx_queues);
    v.number(17, device.no_ipv6);
}

void visit_receiver_delta(auto&& v, auto& receiver) {
    v.number(1, receiver.socket_ino);
    v.number(2, receiver.pid);
    v.text(3, receiver.comm);
    v.number(4, receiver.taken);
    v.number(5, receiver.full);
    v.number(6, receiver.filtered);
    v.number(7, receiver.unknown);
    v.number(8, receiver.tp_packets);
    v.number(9, receiver.tp_drops);
    v.number(11, receiver.opened);
    v.number(12, receiver.gone);
    v.number(13, receiver.reset);
    v.number(14, receiver.tap);
}

// The fields of Entry (recording.proto): its kinds.
enum EntryKind : std::uint32_t {
    origin_kind = 1,
    plan_kind,
    symbol_kind,
    drop_reason_kind,
    socket_kind,
    send_kind,
    ending_kind,
    part_kind
};

inline constexpr auto symbol_fields = [](auto&& v, auto& entry) {
    v.number(1, entry.address);
    v.text(2, entry.name);
};
inline constexpr auto drop_reason_fields = [](auto&& v, auto& entry) {
    v.number(1, entry.number);
    v.text(2, entry.name);
};
inline constexpr auto part_fields = [](auto&& v, auto& entry) { v.number(1, entry.file); };

}  // namespace sockray
