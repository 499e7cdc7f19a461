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
	span = &t->send.span[SR_SLOT_ENQUEUE];
	if (span->start)
		return 0;
	t->send.stage[SR_SLOT_ENQUEUE] = SR_STAGE_ENQUEUE;
	span->start = span->end = bpf_ktime_get_ns();
	return 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(qdisc_gave, void *qdisc, void *txq, int packets, struct sk_buff *first)
{
	__u64 now = bpf_ktime_get_ns();

	for (int i = 0; i < SR_LIST_WALK && first; i++) {
		struct sr_flight *f = flight_find((__u64)first);

		if (f)
			f->dequeued = now;
		first = BPF_CORE_READ(first, next);
	}
	return 0;
}

#endif
