// The driver's own function: between the tracepoints net_dev_start_xmit and net_dev_xmit.
#ifndef SOCKRAY_BPF_DRIVER_H
#define SOCKRAY_BPF_DRIVER_H

#include "flight.bpf.h"

SEC("?raw_tracepoint")
int BPF_PROG(driver_given, struct sk_buff *skb, struct net_device *dev)
{
	struct net_device_ops *ops;
	struct sr_passages *all;
	struct sr_passage *p;
	struct sr_flight *f;
	struct sr_task *t = NULL;
	__u32 at;

	if (mode == SR_MODE_DONE)
		return 0;
	f = flight_of(skb);
	if (!f) {
		if (!STAGE_ON(SR_STAGE_NDO))
			return 0;
		t = open_task();
		if (!t || t->tracked || t->skb != (__u64)skb)
			return 0;
	}
	all = cpu_passages();
	if (!all)
		return 0;
	at = all->depth;
	if (at >= SR_PASSAGES) { // returns that were not seen
		COUNT(passages_lost);
		all->depth = at = 0;
	}
	p = &all->at[at];
	all->depth = at + 1;
	__builtin_memset(p, 0, sizeof(*p));
	p->skb = (__u64)skb;
	ops = (void *)READ(dev, netdev_ops);
	p->ndo_fn = (__u64)READ(ops, ndo_start_xmit);
	p->tx_queue = 1 + READ(skb, queue_mapping);
	if (f) {
		p->flight = *f;
		f->given = 1;
		if (!STAGE_ON(SR_STAGE_FREED) && !flight_take((__u64)skb)) {
			all->depth = at;
			return 0;
		}
	}
	p->start = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void driver_done(struct sr_passage *p, int ret, __u64 now)
{
	bool ours = p->flight.id != 0;
	struct sr_task *t = ours ? open_send(p->flight.id) : open_task();

	if (t && (ours || t->skb == p->skb || !t->tracked)) {
		struct sr_send *s = &t->send;

		if (!SPAN(s, SR_SLOT_NDO).start) {
			struct sr_span *span = span_of(t, SR_SLOT_NDO);

			s->stage[SR_SLOT_NDO] = SR_STAGE_NDO;
			span->start = p->start;
			span->end = now;
			s->ndo_fn = p->ndo_fn;
		}
		if (!ours)
			return;
		s->driver_ret = ret;
		s->tx_queue = s->tx_queue ?: p->tx_queue;
		if (p->flight.dequeued) {
			struct sr_span *span = span_of(t, SR_SLOT_DEQUEUE);

			s->stage[SR_SLOT_DEQUEUE] = SR_STAGE_DEQUEUE;
			span->start = span->end = p->flight.dequeued;
		}
		if (!p->dropped && ret == 0)
			s->driver_hits++;
		else if (!p->dropped)
			s->driver_drops++; // of what is `filled` with the span
		return;
	}
	if (ours && !p->dropped) {
		struct sr_frame frame = {
			.ns = now,
			.ret = ret,
			.dequeued = p->flight.dequeued,
			.ndo = {.start = p->start, .end = now},
			.ndo_fn = p->ndo_fn,
			.segments = p->flight.segments,
			.tx_queue = p->tx_queue,
		};

		frame_emit(&frame, p->flight.id, SR_FRAME_TAKEN);
	}
}

// The place of the skb's passage where that is not the last one: the returns behind it were not seen. SR_PASSAGES: it has none.
SR_ALONE passage_below(struct sr_passages *all, __u64 skb)
{
	if (!all)
		return SR_PASSAGES;
	for (__u32 back = 1; back <= SR_PASSAGES; back++) {
		__u32 at = SR_PASSAGES - back;

		if (at < all->depth && all->at[at].skb == skb) {
			COUNT(passages_lost);
			return at;
		}
	}
	return SR_PASSAGES;
}

SEC("?raw_tracepoint")
int BPF_PROG(driver_took, struct sk_buff *skb, int ret)
{
	struct sr_passages *all = cpu_passages();
	struct sr_passage *p;
	struct sr_flight *f;
	__u64 now;
	__u32 at;

	if (!all || !all->depth)
		return 0;
	now = bpf_ktime_get_ns();
	at = all->depth - 1;
	if (at >= SR_PASSAGES || all->at[at].skb != (__u64)skb)
		at = passage_below(all, (__u64)skb);
	if (at >= SR_PASSAGES)
		return 0;
	p = &all->at[at];
	all->depth = at;
	p->skb = 0;
	if (ret >= SR_TX_MASK) { // NETDEV_TX_BUSY: the qdisc keeps it
		if (!p->flight.id)
			return 0;
		f = flight_find((__u64)skb);
		if (!STAGE_ON(SR_STAGE_FREED))
			flight_put(skb, &p->flight);
		else if (f && f->id == p->flight.id)
			f->given = 0;
		return 0;
	}
	if (p->flight.taken) // by another driver before: what a receiver on this machine forwards is its own
		return 0;
	if (p->flight.id && STAGE_ON(SR_STAGE_FREED)) {
		f = p->dropped ? NULL : flight_find((__u64)skb);
		if (f && f->id == p->flight.id) {
			// A device below this one has taken it, or its queue has it.
			if (f->taken || f->dev != p->flight.dev)
				return 0;
			f->taken = 1;
		}
	}
	driver_done(p, ret, now);
	return 0;
}

#endif
