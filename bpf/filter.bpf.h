// The filter: whether a frame is one of those that a pcap-filter(7) expression selects. Its program comes as classic BPF
// and is interpreted here. Without a filter the verifier drops all of this as dead code.
#ifndef SOCKRAY_BPF_FILTER_H
#define SOCKRAY_BPF_FILTER_H

#include "pieces.bpf.h"
#include "record.bpf.h"

// dev->type: ARPHRD_* of linux/if_arp.h
#define SR_ARPHRD_ETHER 1
#define SR_ARPHRD_RAWIP 519
#define SR_ARPHRD_TUNNEL 768
#define SR_ARPHRD_TUNNEL6 769
#define SR_ARPHRD_LOOPBACK 772
#define SR_ARPHRD_SIT 776
#define SR_ARPHRD_NONE 0xfffe

const volatile struct sr_instruction filter_code[SR_FILTER_MOST] = {};

static __always_inline int link_of(struct sk_buff *skb)
{
	switch (BPF_CORE_READ(skb, dev, type)) {
	case SR_ARPHRD_ETHER:
	case SR_ARPHRD_LOOPBACK:
		return SR_LINK_ETHERNET;
	case SR_ARPHRD_RAWIP:
	case SR_ARPHRD_TUNNEL:
	case SR_ARPHRD_TUNNEL6:
	case SR_ARPHRD_SIT:
	case SR_ARPHRD_NONE:
		return SR_LINK_IP;
	default:
		return -1;
	}
}

static long filter_step(__u32 unused, struct sr_machine **machine)
{
	struct sr_machine *m = *machine;
	__u32 pc = m->pc;

	if (pc >= SR_FILTER_MOST)
		return 1;
	return !sr_classic_step(m, &filter_code[pc]);
}

// A TX ring's frame can be read to its end, of others the skb's own memory and the first page fragment.
static __always_inline void frame_in_reach(struct sr_machine *m, struct sk_buff *skb, __u64 ring_bytes)
{
	struct skb_shared_info *info;
	struct sr_frag frag;

	m->bytes = BPF_CORE_READ(skb, len);
	m->head_bytes = m->bytes - BPF_CORE_READ(skb, data_len);
	m->head = (__u64)BPF_CORE_READ(skb, data);
	m->reach = m->head_bytes;
	if (m->reach == m->bytes)
		return;
	if (ring_bytes) {
		m->rest = ring_bytes;
		m->reach = m->bytes;
		return;
	}
	info = (void *)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end);
	frag = fragment_read((__u64)info, 0);
	m->rest = fragment_at(&frag);
	if (!m->rest)
		return;
	m->rest -= m->head_bytes;
	m->reach += frag.size;
}

// `ring_bytes`: where the frame of a TX ring begins; 0: it is none, or nobody knows. A frame that cannot be read as far as
// the filter asks, or of a link that it was not compiled for, is wanted, and its send is marked. The machine stands in the
// task's own state: a per-CPU one would be another task's after a preemption.
static __noinline bool frame_wanted(struct sr_task *t, struct sk_buff *skb, __u64 ring_bytes)
{
	struct sr_machine *m = &t->machine;
	int link = link_of(skb);
	__u32 start, length;

	if (link < 0) {
		t->send.flags |= SR_SEND_UNJUDGED;
		return true;
	}
	start = link == SR_LINK_ETHERNET ? config.filter[SR_LINK_ETHERNET].start : config.filter[SR_LINK_IP].start;
	length = link == SR_LINK_ETHERNET ? config.filter[SR_LINK_ETHERNET].length : config.filter[SR_LINK_IP].length;
	if (!length)
		return false;
	__builtin_memset(m, 0, sizeof(*m));
	m->pc = start;
	m->end = start + length;
	frame_in_reach(m, skb, ring_bytes);
	bpf_loop(SR_FILTER_MOST, filter_step, &m, 0); // "protochain" makes loops: more steps than this decide nothing
	if (m->state != SR_CLASSIC_RETURNED) {
		t->send.flags |= SR_SEND_UNJUDGED;
		return true;
	}
	return m->a != 0;
}

#endif
