// The end of the skb: consumed, or dropped with the kernel's reason.
#ifndef SOCKRAY_BPF_FREED_H
#define SOCKRAY_BPF_FREED_H

#include "flight.bpf.h"
#include "receive.bpf.h"

// What the receiver of a frame does with it is not the send's doing. __dev_direct_xmit runs the receiver's softirq before
// it returns, and no tracepoint says that the driver has taken the frame; but one that a driver has passed on has another
// device (drivers/net/veth.c) or no socket any more (drivers/net/loopback.c).
static __always_inline bool driver_passed_on(struct sk_buff *skb, __u64 dev, __u64 sock)
{
	return (__u64)BPF_CORE_READ(skb, dev) != dev || (__u64)BPF_CORE_READ(skb, sk) != sock;
}

static __always_inline void drop_note(struct sr_task *t, __u64 location, __u32 reason, bool in_driver)
{
	struct sr_send *s = &t->send;

	s->drops++;
	if (s->flags & SR_SEND_DROP)
		return;
	s->flags |= SR_SEND_DROP;
	s->drop_reason = reason;
	s->drop_location = location;
	s->drop_ns = bpf_ktime_get_ns();
	s->drop_in_driver = in_driver;
}

// The passage of the frame that the driver on this CPU has right now.
static __always_inline struct sr_passage *passage_of(__u64 skb)
{
	struct sr_passages *all = cpu_passages();
	__u32 at;

	if (!all || !all->depth)
		return NULL;
	at = all->depth - 1;
	if (at >= SR_PASSAGES || all->at[at].skb != skb)
		return NULL;
	return &all->at[at];
}

static __always_inline int frame_freed(struct sk_buff *skb, __u64 location, __u32 reason, bool drop)
{
	struct sr_flight flight = {}, *f = flight_find((__u64)skb);
	struct sr_passage *p = passage_of((__u64)skb);
	bool in_driver = p != NULL;
	struct sr_offer *offer = NULL;
	struct sr_frame frame = {};
	struct sr_task *t;
	__u32 kind;

	if (f) {
		flight = *f;
		if (!flight_take((__u64)skb))
			return 0;
	} else if (drop && p && p->flight.id && !p->dropped) {
		flight = p->flight;
	} else {
		return 0;
	}
	if (drop && p) {
		if (p->dropped)
			return 0;
		p->dropped = 1;
	}
	if (flight.taken || (flight.given && !in_driver) || (in_driver && !drop) ||
	    (flight.direct && !in_driver && driver_passed_on(skb, flight.dev, flight.sock)))
		kind = SR_FRAME_FREED;
	else
		kind = drop ? SR_FRAME_DROPPED : SR_FRAME_CONSUMED;
	// The receiver that has the frame right now frees it: that it was received is told first, for with the skb's end the
	// send is complete. packet_rcv and tpacket_rcv count before they free.
	if (kind == SR_FRAME_FREED && (STAGE_ON(SR_STAGE_PACKET_RCV) || STAGE_ON(SR_STAGE_TPACKET_RCV)))
		offer = cpu_offer();
	if (offer && offer->id == flight.id)
		receive_tell(offer);
	t = open_send(flight.id);
	if (t && kind == SR_FRAME_DROPPED) {
		drop_note(t, location, reason, in_driver);
	} else if (t && kind == SR_FRAME_FREED) {
		t->send.frees++;
		t->send.freed_reason = reason;
		t->send.stage[SR_SLOT_FREED] = SR_STAGE_FREED;
		t->send.span[SR_SLOT_FREED].start = t->send.span[SR_SLOT_FREED].end = bpf_ktime_get_ns();
	} else {
		frame.drop_reason = reason;
		frame.drop_location = location;
		frame.in_driver = in_driver;
		frame.dequeued = flight.dequeued;
		frame_emit(&frame, flight.id, kind);
	}
	return 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(skb_consumed, struct sk_buff *skb)
{
	if (!*(volatile __u64 *)&flying || mode == SR_MODE_DONE)
		return 0;
	return frame_freed(skb, 0, 0, false);
}

SEC("?raw_tracepoint")
int BPF_PROG(skb_freed, struct sk_buff *skb, void *location, __u32 reason)
{
	struct sr_task *t;

	if (mode == SR_MODE_DONE)
		return 0;
	t = open_task();
	if (!t || t->tracked || !t->skb || (__u64)skb != t->skb)
		return frame_freed(skb, (__u64)location, reason, true);
	if (!t->driver_mine && t->dev && driver_passed_on(skb, t->dev, t->sock))
		return 0;
	t->skb = 0;
	drop_note(t, (__u64)location, reason, t->driver_mine != 0);
	return 0;
}

#endif
