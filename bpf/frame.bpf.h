// Inside packet_sendmsg: packet_snd or tpacket_snd, the frame's allocation, its way to the driver, its drop.
#ifndef SOCKRAY_BPF_FRAME_H
#define SOCKRAY_BPF_FRAME_H

#include "filter.bpf.h"
#include "flight.bpf.h"
#include "packet_sock.bpf.h"
#include "passed_on.bpf.h"
#include "pieces.bpf.h"
#include "record.bpf.h"
#include "ring.bpf.h"

// On the first instruction of an inlined packet_snd or tpacket_snd: no arguments, only the moment.
static __always_inline int on_body_hit(__u32 stage)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->send.body_hits++;
	t->send.stage[SR_SLOT_BODY] = stage;
	SPAN(&t->send, SR_SLOT_BODY).start = now;
	return 0;
}

// Opens a span, unless one of this slot was recorded already.
static __always_inline void span_open(struct sr_task *t, __u32 slot, __u32 stage)
{
	if (SPAN(&t->send, slot).start)
		return;
	t->send.stage[slot] = stage;
	span_of(t, slot)->start = bpf_ktime_get_ns();
}

static __always_inline void span_close(struct sr_send *s, __u32 slot, __u64 now)
{
	struct sr_span *span = &SPAN(s, slot);

	if (span->start && !span->end)
		span->end = now;
}

static __always_inline __u32 slot_of(__u32 stage)
{
	switch (stage) {
	case SR_STAGE_COPY:
		return SR_SLOT_COPY;
	case SR_STAGE_PARSE:
		return SR_SLOT_PARSE;
	default:
		return SR_SLOT_PACKET_XMIT;
	}
}

// Stages of which only the time is wanted. What runs inside __dev_queue_xmit is another's.
static __always_inline int on_span_enter(__u32 stage)
{
	struct sr_task *t = open_task();

	if (t && !t->xmit_depth)
		span_open(t, slot_of(stage), stage);
	return 0;
}

static __always_inline int on_span_exit(__u32 stage)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (t && !t->xmit_depth)
		span_close(&t->send, slot_of(stage), now);
	return 0;
}

static __always_inline int on_alloc_enter(struct sock *sk)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();
	struct sr_send *s;

	if (!t || (__u64)sk != t->sock)
		return 0;
	t->skb = 0;
	t->ring_slept = 0;
	// Who allocates is not inside a device: where it looks so, the hook on a return was skipped.
	t->xmit_depth = t->xmit_mine = 0;
	t->driver_depth = t->driver_mine = 0;
	s = &t->send;
	if (s->flags & SR_SEND_TX_RING) {
		// Whether another one follows, the result will tell.
		if (ring_is_behind(t)) {
			t->ring_alloc = now;
			return 0;
		}
		ring_pass_over(ring_passed(t, ring_look(t)), now);
	}
	s->stage[SR_SLOT_ALLOC] = SR_STAGE_ALLOC;
	SPAN(s, SR_SLOT_ALLOC).start = now;
	return 0;
}

// schedule_timeout: everybody who sleeps for a while comes here. In the allocation it is for room in the send buffer, and
// what is left to do behind it is short.
static __always_inline int on_wait_enter(void)
{
	struct sr_task *t = open_task();
	struct sr_span *alloc;

	if (!t)
		return 0;
	alloc = &SPAN(&t->send, SR_SLOT_ALLOC);
	if (t->ring_alloc)
		t->ring_slept = t->ring_slept ?: bpf_ktime_get_ns();
	else if (alloc->start && !alloc->end)
		span_open(t, SR_SLOT_WAIT, SR_STAGE_WAIT);
	return 0;
}

// `sk`: for whom it was allocated, NULL where the hook is not told.
static __always_inline int on_alloc_exit(void *sk, void *skb)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t || t->xmit_depth)
		return 0;
	// A softirq on top of the task allocates for other sockets.
	if (skb && !sk)
		sk = READ((struct sk_buff *)skb, sk);
	if (sk && (__u64)sk != t->sock)
		return 0;
	// What it did not get either, where nothing says whose it was to be: the task allocates nothing just then.
	if (!skb && !t->ring_alloc && (!SPAN(&t->send, SR_SLOT_ALLOC).start || SPAN(&t->send, SR_SLOT_ALLOC).end))
		return 0;
	if (t->send.flags & SR_SEND_TX_RING && (t->ring_alloc || !SPAN(&t->send, SR_SLOT_ALLOC).start || ring_is_behind(t))) {
		__u64 start = t->ring_alloc; // 0: the hook on its begin was skipped

		t->ring_alloc = 0;
		if (!skb) // no memory, or MSG_DONTWAIT: the frame stays in the ring
			return 0;
		if (ring_is_behind(t))
			ring_next_frame(t, start ?: now);
		ring_come_to(t, start ?: now);
		if (start) {
			t->send.stage[SR_SLOT_ALLOC] = SR_STAGE_ALLOC;
			SPAN(&t->send, SR_SLOT_ALLOC).start = start;
		}
		if (start && t->ring_slept) {
			t->send.stage[SR_SLOT_WAIT] = SR_STAGE_WAIT;
			span_of(t, SR_SLOT_WAIT)->start = t->ring_slept;
		}
	}
	t->skb = (__u64)skb;
	if (skb) {
		t->send.alloc_hits++;
		ring_take(t);
	}
	span_close(&t->send, SR_SLOT_WAIT, now);
	span_close(&t->send, SR_SLOT_ALLOC, now);
	return 0;
}

// Where the frame begins in its ring, for who reads all of it. 0: it comes from no TX ring, or only its fragments tell.
static __always_inline __u64 ring_bytes_of(struct sr_task *t, struct sk_buff *skb)
{
	if (!(t->send.flags & SR_SEND_TX_RING) || has_own_offset((void *)t->sock))
		return 0;
	return ring_frame_bytes(&t->send, (struct packet_sock *)t->sock, skb);
}

// Where the frame begins: at the skb's data, or in the ring.
static __always_inline void *frame_bytes(struct sr_send *s, struct sock *sk, struct sk_buff *skb, bool typed)
{
	if (!(s->flags & SR_SEND_TX_RING)) {
		// Of a long frame only the header is there, the rest is in fragments (packet_alloc_skb).
		__u32 linear = FETCH(typed, skb, len) - FETCH(typed, skb, data_len);

		return config.cookie_offset + 16 <= linear ? FETCH(typed, skb, data) : NULL;
	}
	return (void *)ring_frame_bytes(s, (struct packet_sock *)sk, skb);
}

static __always_inline void frame_seen(struct sr_task *t, struct sk_buff *skb, struct net_device *dev, __u32 stage,
				       bool typed)
{
	struct sr_send *s = &t->send;
	__s32 ifindex;

	t->skb = (__u64)skb;
	t->dev = (__u64)dev;
	ifindex = FETCH(typed, dev, ifindex);
	if (stage == SR_STAGE_QUEUE_XMIT && s->ifindex > 0 && s->ifindex != ifindex) {
		passed_on_from(t);
	} else {
		FETCH_NAME(typed, s->ifname, dev, name);
		s->ifindex = ifindex;
	}
	if (s->flags & SR_SEND_TX_RING) // what tpacket_snd counts: the frame as the ring has it
		s->len = BPF_CORE_READ(skb, len) -
			 (s->sock_type == SR_SOCK_DGRAM ? BPF_CORE_READ(dev, hard_header_len) : 0);
	if (config.cookie_magic) {
		__u64 word[2] = {};

		void *bytes = frame_bytes(s, (void *)t->sock, skb, typed);

		if (bytes)
			bpf_probe_read_kernel(word, sizeof(word), bytes + config.cookie_offset);
		if (word[0] == config.cookie_magic) {
			s->cookie = word[1];
			s->flags |= SR_SEND_COOKIE;
		}
	}
}

// A frame whose allocation was not seen. SOCK_PACKET allocates elsewhere: there it is the first one of the socket. Of a TX
// ring the hook may have been skipped: its skb says which frame of the ring it carries. Else the socket is no sign: a
// softirq on top of the task may carry an older frame of it, and what is taken for ours by mistake is worse than one that
// stays unknown.
static __always_inline bool known_otherwise(struct sr_task *t, struct sk_buff *skb)
{
	struct sr_send *s = &t->send;

	if ((__u64)READ(skb, sk) != t->sock)
		return false;
	if (!(s->flags & SR_SEND_TX_RING))
		return s->stage[SR_SLOT_SENDMSG] == SR_STAGE_PACKET_SENDMSG_SPKT && !SPAN(s, SR_SLOT_XMIT).start;
	return ring_frame_of(skb) == ring_frame_at((struct packet_sock *)t->sock);
}

// __dev_queue_xmit, __dev_direct_xmit. Where devices are stacked the frame passes again: only the first pass counts.
// `queue`: __dev_direct_xmit is given the transmit queue (what the skb says of one by then is a receive queue's number).
static __always_inline int on_xmit_enter(__u32 stage, struct sk_buff *skb, __u16 queue, bool typed)
{
	struct sr_task *t = open_task();
	struct net_device *dev;

	if (stage == SR_STAGE_QUEUE_XMIT && (!t || t->skb != (__u64)skb || t->tracked))
		flight_goes_below(skb, typed);
	if (!t)
		return 0;
	t->xmit_depth++;
	if (stage == SR_STAGE_DIRECT_XMIT)
		bypassed = 1;
	dev = FETCH(typed, skb, dev);
	if (t->xmit_mine) { // a device below the first one
		// Past the qdisc the receiver's softirq runs before the return: what has been received is its own to send on
		// (net/core/dev.c: __netif_receive_skb_core sets skb_iif). Else the driver has had it by then.
		if (t->skb != (__u64)skb) {
			if (!is_redirected(t, stage, skb))
				return 0;
			clone_takes_over(t, skb);
		}
		if (t->send.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT && FETCH(typed, skb, skb_iif))
			return 0;
		if (is_passed_on(t, dev)) {
			passed_on_note(t, dev);
			t->dev = (__u64)dev; // whose queue it is that keeps the frame, or does not take it
		}
		if (!may_be_kept(skb, dev, typed))
			return 0;
		if (t->tracked) { // past the qdisc no passage tells of the device above
			struct sr_flight *f = flight_find((__u64)skb);

			if (f) {
				f->dev = (__u64)dev;
				f->direct = 0;
			}
		}
		t->queued_below = 1;
		flight_begin(t, skb, false);
		return 0;
	}
	if (t->skb ? (__u64)skb != t->skb : !known_otherwise(t, skb))
		return 0;
	t->xmit_mine = t->xmit_depth;
	if (t->send.flags & SR_SEND_TX_RING && (!t->skb || SPAN(&t->send, SR_SLOT_XMIT).start))
		ring_found(t);
	if (config.filtering && mode != SR_MODE_OFF && !frame_wanted(t, skb, ring_bytes_of(t, skb))) {
		t->filtered = 1;
		t->skb = 0; // what becomes of it is of no interest
		span_open(t, SR_SLOT_XMIT, stage); // a TX ring's result is told by it
		return 0;
	}
	frame_seen(t, skb, dev, stage, typed);
	if (config.snaplen && mode != SR_MODE_OFF)
		pieces_put(t, skb, ring_bytes_of(t, skb), stage == SR_STAGE_DIRECT_XMIT);
	if (stage == SR_STAGE_DIRECT_XMIT) {
		t->send.tx_queue = 1 + queue;
		t->freed_reason = 0;
	}
	span_open(t, SR_SLOT_XMIT, stage);
	if (STAGE_ON(SR_STAGE_FREED) ||
	    (stage == SR_STAGE_QUEUE_XMIT && may_be_kept(skb, dev, typed)))
		flight_begin(t, skb, stage == SR_STAGE_DIRECT_XMIT);
	return 0;
}

static __always_inline int on_xmit_exit(__u32 stage, int ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();

	if (!t || !t->xmit_depth)
		return 0;
	if (t->xmit_mine == t->xmit_depth) {
		t->xmit_mine = 0;
		// __dev_direct_xmit is between the socket and the driver alone: 0 means that the driver took the frame. What
		// the queue of a device below makes of it is told there.
		if (ret == 0 && stage == SR_STAGE_DIRECT_XMIT && !t->send.driver_hits && !t->send.drops && !t->queued_below)
			t->send.driver_hits++;
		if (ret > 0 && ret < SR_TX_MASK && stage == SR_STAGE_DIRECT_XMIT && t->freed_reason && !t->send.drops)
			drop_note(t, t->freed_at, t->freed_reason, false);
		t->skb = 0; // from here on somebody else's
		t->send.xmit_ret = ret;
		span_close(&t->send, SR_SLOT_XMIT, now);
	}
	t->xmit_depth--;
	return 0;
}

struct sr_list_walk {
	struct sk_buff *next;
	__u64 skb;
	__u32 found;
};

static long in_list_next(__u32 step, struct sr_list_walk *walk)
{
	struct sk_buff *skb = walk->next;

	walk->found = (__u64)skb == walk->skb;
	if (!skb || walk->found)
		return 1;
	walk->next = BPF_CORE_READ(skb, next);
	return 0;
}

// A dequeue may carry several frames, of other sends too: is ours among them?
static __always_inline bool in_list(struct sk_buff *first, __u64 skb)
{
	struct sr_list_walk walk = {.skb = skb};

	if (!first)
		return false;
	if ((__u64)first == skb)
		return true;
	walk.next = BPF_CORE_READ(first, next);
	if (walk.next)
		bpf_loop(SR_LIST_WALK, in_list_next, &walk, 0);
	return walk.found;
}

static __always_inline int on_driver_enter(struct sk_buff *first, int *ret, bool typed)
{
	struct sr_task *t = open_task();

	if (!t)
		return 0;
	t->driver_depth++;
	if (t->driver_mine || !t->skb || !in_list(first, t->skb))
		return 0;
	t->driver_mine = t->driver_depth;
	t->driver_ret_at = (__u64)ret;
	t->driver_list = FETCH(typed, first, next) != NULL;
	t->send.tx_queue = 1 + FETCH(typed, first, queue_mapping); // a list is of one queue
	span_open(t, SR_SLOT_DRIVER, SR_STAGE_START_XMIT);
	return 0;
}

// `rest`: the frames that the driver did not take. *ret is the result of the last one that was tried.
static __always_inline int on_driver_exit(struct sk_buff *rest)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = open_task();
	int driver_ret = -1;

	if (!t || !t->driver_depth)
		return 0;
	if (t->driver_mine == t->driver_depth) {
		t->driver_mine = 0;
		driver_ret = READ_INT(t->driver_ret_at);
		if (t->driver_list && !in_list(rest, t->skb))
			driver_ret = 0; // ours was taken; what *ret says is of another frame
		t->send.driver_ret = driver_ret;
		span_close(&t->send, SR_SLOT_DRIVER, now);
		if (driver_ret == 0 && t->skb) {
			if (!t->tracked) // else driver_took() has counted
				t->send.driver_hits++;
			t->skb = 0; // the driver's now: when it is freed is no drop of this send
		}
	}
	t->driver_depth--;
	return 0;
}

#endif
