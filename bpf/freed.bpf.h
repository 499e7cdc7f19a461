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
	return (__u64)READ(skb, dev) != dev || (__u64)READ(skb, sk) != sock;
}

// What __dev_direct_xmit frees itself it drops, before it returns.
static __always_inline bool direct_was_taken(struct sk_buff *skb, const struct sr_flight *flight, bool drop)
{
	return !drop || !open_send(flight->id) || driver_passed_on(skb, flight->dev, flight->sock);
}

static __always_inline int frame_freed(struct sk_buff *skb, __u64 location, __u32 reason, bool drop)
{
	struct sr_flight flight, *f = flight_of(skb);
	struct sr_passage *p = passage_of((__u64)skb);
	bool in_driver = p != NULL;
	struct sr_offer *offer = NULL;
	struct sr_task *t;
	__u32 kind;

	if (!f && !p)
		return 0;
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
	    (flight.direct && !in_driver && direct_was_taken(skb, &flight, drop)))
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
		struct sr_span *span = span_of(t, SR_SLOT_FREED);

		t->send.frees++;
		t->send.freed_reason = reason;
		t->send.stage[SR_SLOT_FREED] = SR_STAGE_FREED;
		span->start = span->end = bpf_ktime_get_ns();
		if (drop && flight.direct)
			freed_keep(t, location, reason);
	} else {
		struct sr_frame frame = {
			.drop_reason = reason,
			.drop_location = location,
			.in_driver = in_driver,
			.dequeued = flight.dequeued,
			.segments = flight.segments,
		};

		frame_emit(&frame, flight.id, kind);
	}
	return 0;
}

// The address may come again, for another skb. (While dev_hard_start_xmit has the frame its result is to come.)
static __always_inline void skb_forget(struct sr_task *t, struct sk_buff *skb)
{
	if (t && t->skb == (__u64)skb && !t->driver_mine)
		t->skb = 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(skb_consumed, struct sk_buff *skb)
{
	bool follows = *(volatile __u64 *)&flying;

	if ((!follows && !*(volatile __u32 *)&bypassed) || mode == SR_MODE_DONE)
		return 0;
	skb_forget(open_task(), skb);
	return follows ? frame_freed(skb, 0, 0, false) : 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(skb_freed, struct sk_buff *skb, void *location, __u32 reason)
{
	struct sr_task *t;

	if (mode == SR_MODE_DONE)
		return 0;
	t = open_task();
	if (!t || t->tracked || !t->skb || (__u64)skb != t->skb) {
		skb_forget(t, skb);
		return frame_freed(skb, (__u64)location, reason, true);
	}
	t->skb = 0;
	if (t->driver_mine || !t->dev || !driver_passed_on(skb, t->dev, t->sock))
		drop_note(t, (__u64)location, reason, t->driver_mine != 0);
	else
		freed_keep(t, (__u64)location, reason);
	return 0;
}

#endif
