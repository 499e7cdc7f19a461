// The life of a send's record: when it leaves for user space. One record a send: it leaves when the outermost hooked
// function returns, or when the next send of the same task begins (sendmmsg).
#ifndef SOCKRAY_BPF_RECORD_H
#define SOCKRAY_BPF_RECORD_H

#include "task.bpf.h"

// The filter does not want the frame of the open send.
static __always_inline bool is_filtered(const struct sr_task *t)
{
	return config.filtering && t->filtered;
}

#define PUT(s, bytes) (head_fill(&(s)->head, SR_RECORD_SEND, bytes, COUNT(sends_emitted)), RING_PUT_BYTES(s, bytes))

SR_ALONE send_put(struct sr_task *t)
{
	struct sr_send *s;
	bool put;

	if (!t)
		return 0;
	s = &t->send;
	if (is_filtered(t)) {
		COUNT(filtered);
		return 0;
	}
	if (t->filled <= SR_SEND_SHORT)
		put = PUT(s, SR_SEND_SHORT);
	else if (t->filled <= SR_SEND_OUTER)
		put = PUT(s, SR_SEND_OUTER);
	else if (t->filled <= SR_SEND_FRAME)
		put = PUT(s, SR_SEND_FRAME);
	else
		put = PUT(s, SR_SEND_LONG);
	if (!put)
		COUNT(sends_no_room);
	return 0;
}

static __always_inline void send_emit(struct sr_task *t)
{
	t->state = SR_IDLE;
	send_put(t);
}

// The same where most sends leave: without a call for those.
static __always_inline void send_emit_here(struct sr_task *t)
{
	t->state = SR_IDLE;
	if (is_filtered(t) || t->filled > SR_SEND_SHORT)
		send_put(t);
	else if (!PUT(&t->send, SR_SEND_SHORT))
		COUNT(sends_no_room);
}

// Word by word.
static __always_inline void zero(struct sr_send *s, __u32 from, __u32 to)
{
	__builtin_memset((__u64 *)s + from / 8, 0, to - from);
}

// What is not written anew with each send.
static __always_inline void send_clear(struct sr_task *t)
{
	zero(&t->send, __builtin_offsetof(struct sr_send, flags), SR_SEND_SHORT);
	if (t->filled > SR_SEND_SHORT)
		zero(&t->send, SR_SEND_SHORT, SR_SEND_OUTER);
	if (t->filled > SR_SEND_OUTER)
		zero(&t->send, SR_SEND_OUTER, SR_SEND_FRAME);
	if (t->filled > SR_SEND_FRAME)
		zero(&t->send, SR_SEND_FRAME, SR_SEND_LONG);
	t->filled = SR_SEND_SHORT;
}

// Counts a send as begun, and gives it the number by which records of its frame name it.
static __always_inline void send_begin(struct sr_task *t)
{
	t->send.id = (COUNT(sends_begun) + 1) << 16 | bpf_get_smp_processor_id();
	t->skb = 0;
	t->dev = 0;
	t->tracked = 0;
	t->queued_below = 0;
	t->tap_dev = 0;
	if (config.filtering)
		t->filtered = 0;
	t->xmit_depth = t->xmit_mine = 0;
	t->driver_depth = t->driver_mine = 0;
}

// One call on a TX ring is as many sends as frames: what is of the call and not of the frame.
static __always_inline void ring_around_forget(struct sr_send *s)
{
	for (int slot = 0; slot < SR_SLOT_OUTER; slot++)
		SPAN(s, slot).start = SPAN(s, slot).end = 0;
}

// The record of the next frame of a TX ring: who sends and how stays, what became of the frame before goes.
static __always_inline void send_reset_frame(struct sr_task *t, __u64 now)
{
	struct sr_send *s = &t->send;

	__u32 ring_frame = s->ring_frame + 1;

	send_begin(t);
	s->flags &= SR_SEND_TX_RING | SR_SEND_ADDRESS;
	s->len = 0;
	s->ret = 0;
	s->cookie = 0;
	s->xmit_ret = s->driver_ret = 0;
	s->alloc_hits = s->driver_hits = 0;
	s->tx_queue = 0;
	s->ring_frame = ring_frame;
	s->body_hits = SPAN(s, SR_SLOT_BODY).start != 0;
	for (int slot = SR_SLOT_BODY + 1; slot < SR_SLOT_COUNT; slot++) {
		s->stage[slot] = 0;
		SPAN(s, slot).start = SPAN(s, slot).end = 0;
	}
	SPAN(s, SR_SLOT_BODY).start = SPAN(s, SR_SLOT_BODY).start ? now : 0;
	SPAN(s, SR_SLOT_SENDMSG).start = now;
	SPAN(s, SR_SLOT_SENDMSG).end = 0;
	if (t->filled > SR_SEND_OUTER) {
		zero(s, SR_SEND_UP_TO(SR_SLOT_COUNT), SR_SEND_LONG);
		t->filled = SR_SEND_OUTER;
	}
}

// A send that is still open when the next one begins: its return was skipped, or it is one of a sendmmsg.
static __always_inline void send_flush(struct sr_task *t)
{
	if (t->state == SR_OPEN || t->state == SR_RETURNED)
		send_emit(t);
}

// The queue of the open frame, which no driver has: explain.bpf.h
SR_ALONE frame_queue_explain(struct sr_task *t);

// tpacket_snd goes round once a frame, and each frame is a send. The first takes the times from the call's entry, the
// others begin where the one before has ended. What stands around packet_sendmsg is the call's, and belongs to none of
// several frames.
SR_ALONE ring_next_frame(struct sr_task *t, __u64 now)
{
	struct sr_send *s;

	if (!t)
		return 0;
	s = &t->send;
	s->flags |= SR_SEND_RETURNED;
	SPAN(s, SR_SLOT_SENDMSG).end = now;
	if (SPAN(s, SR_SLOT_XMIT).start)
		s->ret = s->len;
	else if (s->flags & SR_SEND_DROP && t->ring_losing)
		s->flags |= SR_SEND_SKIPPED; // PACKET_LOSS: a frame that is not well-formed is passed over, and freed
	if (!s->driver_hits || s->drops)
		frame_queue_explain(t);
	ring_around_forget(s);
	t->state = SR_RETURNED; // a softirq that ends the frame from here on makes a record of its own
	send_put(t);
	send_reset_frame(t, now);
	t->state = SR_OPEN;
	return 0;
}

static __always_inline bool tracing(void)
{
	return mode == SR_MODE_ARMED || (mode == SR_MODE_OFF && is_check());
}

#endif
