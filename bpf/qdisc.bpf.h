// The device's queue: when it took a frame, and when it gave it out.
#ifndef SOCKRAY_BPF_QDISC_H
#define SOCKRAY_BPF_QDISC_H

#include "flight.bpf.h"

SEC("?raw_tracepoint")
int BPF_PROG(qdisc_took, void *qdisc, void *txq, struct sk_buff *skb)
{
	struct sr_task *t = open_task();
	struct sr_span *span;

	if (!t || t->skb != (__u64)skb)
		return 0;
	span = span_of(t, SR_SLOT_ENQUEUE);
	if (span->start)
		return 0;
	t->send.stage[SR_SLOT_ENQUEUE] = SR_STAGE_ENQUEUE;
	span->start = span->end = bpf_ktime_get_ns();
	return 0;
}

struct sr_given_walk {
	struct sk_buff *next;
	__u64 now;
};

static long given_next(__u32 step, struct sr_given_walk *walk)
{
	struct sk_buff *skb = walk->next;
	struct sr_flight *f;

	if (!skb)
		return 1;
	f = flight_find((__u64)skb);
	if (f)
		f->dequeued = walk->now;
	walk->next = BPF_CORE_READ(skb, next);
	return 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(qdisc_gave, void *qdisc, void *txq, int packets, struct sk_buff *first)
{
	struct sr_given_walk walk = {.next = first, .now = bpf_ktime_get_ns()};

	if (*(volatile __u64 *)&flying)
		bpf_loop(SR_LIST_WALK, given_next, &walk, 0);
	return 0;
}

#endif
