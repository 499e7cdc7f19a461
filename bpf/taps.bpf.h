// Which frames of traced sends sockray's own capture is offered. The taps of a device get a clone of a frame
// (net/core/dev.c: dev_queue_xmit_nit), which no longer tells who sent it. What the capture reads of it is the clone's
// timestamp: both sides are joined by that.
//
// Where devices are stacked (a VLAN, a bridge, a tunnel) a frame comes by the taps of each. Which are captured decides
// nothing: the frame of the send is what came by the taps of the first device, and by these again where a driver was busy
// and the frame comes once more. What the devices below make of it are frames of their own.
#ifndef SOCKRAY_BPF_TAPS_H
#define SOCKRAY_BPF_TAPS_H

#include "flight.bpf.h"

#define SR_MOST_TAPS 64
#define SR_PACKET_OUTGOING 4 // linux/if_packet.h

// Written by user space, before it arms: inodes of the sockets that capture.
__u64 tap_sockets[SR_MOST_TAPS] = {};
__u32 tap_count = 0;

struct sr_tapped {
	__u64 id;   // sr_send.id of the frame that the taps are offered, 0: not traced
	__u64 head; // skb->head, which a clone shares
};

// Softirqs are off from the driver's lock to the last tap, so what is of a CPU is of one frame. (Where they are not, on
// PREEMPT_RT, another frame has another head.)
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sr_tapped);
} tapped SEC(".maps");

static __always_inline struct sr_tapped *cpu_tapped(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&tapped, &zero);
}

// sr_send.id of the frame; 0: it is not traced, or has come by the taps of another device before. Segments have a flight
// each, the task only one place.
static __always_inline __u64 offered_id(struct sk_buff *skb, __u64 dev)
{
	struct sr_flight *f = flight_of(skb);
	struct sr_task *t = open_task();
	__u64 first;

	if (t && (f ? t->send.id != f->id : t->skb != (__u64)skb))
		t = NULL;
	if (!f && !t)
		return 0;
	first = f ? f->tap_dev : t->tap_dev;
	if (first && first != dev)
		return 0;
	if (f)
		f->tap_dev = dev;
	if (t)
		t->tap_dev = dev;
	return f ? f->id : t->send.id;
}

SEC("?kprobe")
int BPF_KPROBE(tap_offer, struct sk_buff *skb, struct net_device *dev)
{
	struct sr_tapped *tap = cpu_tapped();

	if (!tap)
		return 0;
	tap->id = 0;
	if (mode == SR_MODE_OFF || mode == SR_MODE_DONE)
		return 0;
	tap->id = offered_id(skb, (__u64)dev);
	if (tap->id)
		tap->head = (__u64)BPF_CORE_READ(skb, head);
	return 0;
}

static __always_inline bool captures(struct sock *sk)
{
	struct socket *sock = BPF_CORE_READ(sk, sk_socket);
	__u64 inode = sock ? socket_inode(sock) : 0;

	for (__u32 i = 0; i < SR_MOST_TAPS && i < tap_count; i++)
		if (tap_sockets[i] == inode)
			return true;
	return false;
}

// tpacket_rcv, before the frame is in the ring: who finds it there finds this record too. A frame that loopback or a veth
// hands to its other end comes here again, with the same memory, as one that is received: that is no frame of the send.
SEC("?kprobe")
int BPF_KPROBE(tap_enter, struct sk_buff *skb, struct net_device *dev, struct packet_type *type)
{
	struct sr_tapped *tap = cpu_tapped();
	struct sr_frame frame = {};

	if (!tap || !tap->id || tap->head != (__u64)BPF_CORE_READ(skb, head) ||
	    BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type) != SR_PACKET_OUTGOING ||
	    !captures((void *)BPF_CORE_READ(type, af_packet_priv)))
		return 0;
	frame.ns = BPF_CORE_READ(skb, tstamp);
	frame_emit(&frame, tap->id, SR_FRAME_TAPPED);
	return 0;
}

#endif
