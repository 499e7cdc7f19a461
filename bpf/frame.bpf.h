// Inside packet_sendmsg: packet_snd or tpacket_snd, the frame's allocation, its way to the driver, its drop.
//
// Which function a program is attached to comes with its attach cookie: the stage (SR_STAGE_*).
#ifndef SOCKRAY_BPF_FRAME_H
#define SOCKRAY_BPF_FRAME_H

#include "task.bpf.h"

#define SR_LIST_WALK 16 // frames of one dequeue that are looked through for ours

static __always_inline struct sr_task *open_task(void)
{
	struct sr_task *t = task_find();

	return t && t->state == SR_OPEN ? t : NULL;
}

// On the first instruction of an inlined packet_snd or tpacket_snd: no arguments, only the moment.
SEC("?kprobe")
int BPF_KPROBE(body_hit)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->send.body_hits++;
	t->send.stage[SR_SLOT_BODY] = bpf_get_attach_cookie(ctx);
	t->send.span[SR_SLOT_BODY].start = now;
	return 0;
}

// Opens a span, unless one of this slot was recorded already (a TX ring passes once a frame).
static __always_inline void span_open(struct sr_send *s, __u32 slot, __u32 stage)
{
	if (s->span[slot].start)
		return;
	s->stage[slot] = stage;
	s->span[slot].start = bpf_ktime_get_ns();
}

static __always_inline void span_close(struct sr_send *s, __u32 slot, __u64 now)
{
	if (s->span[slot].start && !s->span[slot].end)
		s->span[slot].end = now;
}

SEC("?kprobe")
int BPF_KPROBE(alloc_enter, struct sock *sk)
{
	struct sr_task *t = open_task();

	if (!t || (__u64)sk != t->sock)
		return 0;
	t->skb = 0;
	span_open(&t->send, SR_SLOT_ALLOC, SR_STAGE_ALLOC);
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(alloc_exit, void *skb)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t || t->xmit_depth)
		return 0;
	t->skb = (__u64)skb;
	if (skb)
		t->send.alloc_hits++;
	span_close(&t->send, SR_SLOT_ALLOC, now);
	return 0;
}

static __always_inline void frame_seen(struct sr_task *t, struct sk_buff *skb)
{
	struct net_device *dev = BPF_CORE_READ(skb, dev);
	struct sr_send *s = &t->send;

	t->skb = (__u64)skb;
	t->dev = (__u64)dev;
	BPF_CORE_READ_INTO(&s->ifname, dev, name);
	s->ifindex = BPF_CORE_READ(dev, ifindex);
	if (config.cookie_magic) {
		__u64 word[2] = {};

		bpf_probe_read_kernel(word, sizeof(word), BPF_CORE_READ(skb, data) + config.cookie_offset);
		if (word[0] == config.cookie_magic) {
			s->cookie = word[1];
			s->flags |= SR_SEND_COOKIE;
		}
	}
}

// __dev_queue_xmit, __dev_direct_xmit. Where devices are stacked the frame passes again: only the first pass counts.
SEC("?kprobe")
int BPF_KPROBE(xmit_enter, struct sk_buff *skb)
{
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->xmit_depth++;
	if (t->xmit_mine)
		return 0;
	// Where the allocation has no hook of its own (SOCK_PACKET) the frame is known by its socket.
	if (t->skb ? (__u64)skb != t->skb : (__u64)BPF_CORE_READ(skb, sk) != t->sock)
		return 0;
	t->xmit_mine = t->xmit_depth;
	frame_seen(t, skb);
	span_open(&t->send, SR_SLOT_XMIT, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(xmit_exit, int ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t || !t->xmit_depth)
		return 0;
	if (t->xmit_mine == t->xmit_depth) {
		t->xmit_mine = 0;
		// __dev_direct_xmit is between the socket and the driver alone: 0 means that the driver took the frame.
		if (ret == 0 && t->skb && bpf_get_attach_cookie(ctx) == SR_STAGE_DIRECT_XMIT)
			t->send.driver_hits++;
		t->skb = 0; // from here on somebody else's
		t->send.xmit_ret = ret;
		span_close(&t->send, SR_SLOT_XMIT, now);
	}
	t->xmit_depth--;
	return 0;
}

// A dequeue may carry several frames, of other sends too: is ours among them?
static __always_inline bool in_list(struct sk_buff *first, __u64 skb)
{
	for (int i = 0; i < SR_LIST_WALK && first; i++) {
		if ((__u64)first == skb)
			return true;
		first = BPF_CORE_READ(first, next);
	}
	return false;
}

SEC("?kprobe")
int BPF_KPROBE(driver_enter, struct sk_buff *first, struct net_device *dev, void *txq, int *ret)
{
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->driver_depth++;
	if (t->driver_mine || !t->skb || !in_list(first, t->skb))
		return 0;
	t->driver_mine = t->driver_depth;
	t->driver_ret_at = (__u64)ret;
	t->driver_list = BPF_CORE_READ(first, next) != NULL;
	span_open(&t->send, SR_SLOT_DRIVER, SR_STAGE_START_XMIT);
	return 0;
}

// `rest`: the frames that the driver did not take. *ret is the result of the last one that was tried.
SEC("?kretprobe")
int BPF_KRETPROBE(driver_exit, struct sk_buff *rest)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();
	int driver_ret = -1;

	if (!t || !t->driver_depth)
		return 0;
	if (t->driver_mine == t->driver_depth) {
		t->driver_mine = 0;
		bpf_probe_read_kernel(&driver_ret, sizeof(driver_ret), (void *)t->driver_ret_at);
		if (t->driver_list && !in_list(rest, t->skb))
			driver_ret = 0; // ours was taken; what *ret says is of another frame
		t->send.driver_ret = driver_ret;
		span_close(&t->send, SR_SLOT_DRIVER, now);
		if (driver_ret == 0 && t->skb) {
			t->send.driver_hits++;
			t->skb = 0; // the driver's now: when it is freed is no drop of this send
		}
	}
	t->driver_depth--;
	return 0;
}

// A frame that is freed as dropped while it is still the send's own.
SEC("?raw_tracepoint")
int BPF_PROG(skb_freed, struct sk_buff *skb, void *location, __u32 reason)
{
	struct sr_task *t = open_task();
	struct sr_send *s;

	if (!t || !t->skb || (__u64)skb != t->skb)
		return 0;
	// __dev_direct_xmit runs the receiver's softirq before it returns. A frame that a driver has taken and passed on
	// has another device (drivers/net/veth.c) or no socket any more (drivers/net/loopback.c): that its receiver drops
	// it is no drop of the send.
	if (!t->driver_mine && t->dev &&
	    ((__u64)BPF_CORE_READ(skb, dev) != t->dev || (__u64)BPF_CORE_READ(skb, sk) != t->sock))
		return 0;
	s = &t->send;
	t->skb = 0;
	s->flags |= SR_SEND_DROP;
	s->drop_reason = reason;
	s->drop_location = (__u64)location;
	s->drop_ns = bpf_ktime_get_ns();
	s->drop_in_driver = t->driver_mine != 0;
	return 0;
}

#endif
