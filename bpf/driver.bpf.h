// The driver's own function: between the tracepoints net_dev_start_xmit and net_dev_xmit.
#ifndef SOCKRAY_BPF_DRIVER_H
#define SOCKRAY_BPF_DRIVER_H

#include "flight.bpf.h"

// NET_XMIT_MASK: from here on the driver did not take it (include/linux/netdevice.h: dev_xmit_complete)
#define SR_TX_MASK 0x0f

SEC("?raw_tracepoint")
int BPF_PROG(driver_given, struct sk_buff *skb, struct net_device *dev)
{
	struct sr_passages *all;
	struct sr_passage *p;
	struct sr_flight *f;
	struct sr_task *t = NULL;
	__u32 at;

	if (mode == SR_MODE_DONE)
		return 0;
	f = flight_find((__u64)skb);
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
	p->ndo_fn = (__u64)BPF_CORE_READ(dev, netdev_ops, ndo_start_xmit);
	p->tx_queue = 1 + BPF_CORE_READ(skb, queue_mapping);
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

		if (!s->span[SR_SLOT_NDO].start) {
			s->stage[SR_SLOT_NDO] = SR_STAGE_NDO;
			s->span[SR_SLOT_NDO].start = p->start;
			s->span[SR_SLOT_NDO].end = now;
			s->ndo_fn = p->ndo_fn;
		}
		if (!ours)
			return;
		s->driver_ret = ret;
		s->tx_queue = s->tx_queue ?: p->tx_queue;
		if (p->flight.dequeued) {
			s->stage[SR_SLOT_DEQUEUE] = SR_STAGE_DEQUEUE;
			s->span[SR_SLOT_DEQUEUE].start = s->span[SR_SLOT_DEQUEUE].end = p->flight.dequeued;
		}
		if (!p->dropped && ret == 0)
			s->driver_hits++;
		else if (!p->dropped)
			s->driver_drops++;
		return;
	}
	if (ours && !p->dropped) {
		struct sr_frame frame = {
			.ns = now,
			.ret = ret,
			.dequeued = p->flight.dequeued,
			.ndo = {.start = p->start, .end = now},
			.ndo_fn = p->ndo_fn,
			.tx_queue = p->tx_queue,
		};

		frame_emit(&frame, p->flight.id, SR_FRAME_TAKEN);
	}
}

SEC("?raw_tracepoint")
int BPF_PROG(driver_took, struct sk_buff *skb, int ret)
{
	struct sr_passages *all = cpu_passages();
	struct sr_passage *p = NULL;
	struct sr_flight *f;
	__u64 now;

	if (!all || !all->depth)
		return 0;
	now = bpf_ktime_get_ns();
	for (__u32 back = 1; back <= SR_PASSAGES; back++) {
		__u32 at = SR_PASSAGES - back;

		if (at >= all->depth || all->at[at].skb != (__u64)skb)
			continue;
		p = &all->at[at];
		if (all->depth > at + 1)
			COUNT(passages_lost);
		all->depth = at;
		break;
	}
	if (!p)
		return 0;
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
