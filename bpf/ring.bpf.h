// The TX ring that tpacket_snd takes its frames from, and the frames in it that no hook sees: with PACKET_LOSS it passes over
// one whose header is malformed before it allocates anything (net/packet/af_packet.c: tpacket_error). Only the ring's head
// tells: it has moved on by more than the frames that were seen.
#ifndef SOCKRAY_BPF_RING_H
#define SOCKRAY_BPF_RING_H

#include "calls.bpf.h"
#include "flight.bpf.h"
#include "packet_sock.bpf.h"
#include "record.bpf.h"

#define SR_SOCK_DGRAM 2
#define SR_TPACKET_V2 1
#define SR_TPACKET_V3 2
#define SR_TP_STATUS_SEND_REQUEST 1 // include/uapi/linux/if_packet.h
#define SR_TP_STATUS_WRONG_FORMAT 4
#define SR_PASSED_MOST 1024 // frames passed over at once that become records: a hook is not to run for long

// The frame of the TX ring that is being sent: tpacket_snd moves the ring's head on behind the frame
// (net/packet/af_packet.c: packet_lookup_frame).
static __always_inline __u64 ring_frame_at(struct packet_sock *po)
{
	__u32 head = BPF_CORE_READ(po, tx_ring.head);
	__u32 per_block = BPF_CORE_READ(po, tx_ring.frames_per_block);
	struct pgv *block = BPF_CORE_READ(po, tx_ring.pg_vec);

	if (!per_block)
		return 0;
	block += head / per_block;
	return (__u64)BPF_CORE_READ(block, buffer) + (__u64)(head % per_block) * BPF_CORE_READ(po, tx_ring.frame_size);
}

// Which frame of a TX ring the skb carries: its destructor_arg is what the kernel keeps of it until its end
// (net/packet/af_packet.c, tpacket_snd: skb_zcopy_init), or the frame itself, with the lowest bit set (tpacket_fill_skb:
// skb_zcopy_set_nouarg).
static __always_inline __u64 ring_frame_of(struct sk_buff *skb)
{
	struct skb_shared_info *info = (void *)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end);
	struct tpacket_uarg___held *held = BPF_CORE_READ(info, destructor_arg);

	if (!bpf_core_field_exists(held->ph))
		return (__u64)held & ~1ULL;
	held = (void *)held - bpf_core_field_offset(struct tpacket_uarg___held, ubuf);
	return (__u64)BPF_CORE_READ(held, ph);
}

// Where the frame at the head begins. What a TX ring sends stays in the ring's pages, all but the header (tpacket_fill_skb); the
// frame stands behind the ring frame's own header and that of virtio-net, and for SOCK_DGRAM without the link layer's.
static __always_inline __u64 ring_frame_bytes(struct sr_send *s, struct packet_sock *po, struct sk_buff *skb)
{
	__u64 ring = ring_frame_at(po);

	ring += BPF_CORE_READ(po, tp_hdrlen) - 20 /* sizeof(struct sockaddr_ll) */ + vnet_header(po);
	return ring - (s->sock_type == SR_SOCK_DGRAM ? BPF_CORE_READ(skb, dev, hard_header_len) : 0);
}

// The place behind this one: packet_increment_head.
static __always_inline __u32 ring_step(const struct sr_task *t, __u32 place)
{
	struct packet_sock *po = (void *)t->sock;

	return place == BPF_CORE_READ(po, tx_ring.frame_max) ? 0 : place + 1;
}

// Of the frame at the head: __packet_get_status. In TPACKET_V3 the status stands behind five fields.
static __always_inline __u32 ring_status(struct packet_sock *po)
{
	__u32 status = 0;

	bpf_probe_read_kernel(&status, sizeof(status),
			      (void *)ring_frame_at(po) + (BPF_CORE_READ(po, tp_version) == SR_TPACKET_V3 ? 20 : 0));
	return status;
}

// At the return of packet_sendmsg, and where that was not seen.
static __always_inline void ring_end(struct sr_task *t)
{
	if (!t->ring_inside)
		return;
	call_end(&t->ring_alone);
	if (t->ring_overlapped)
		COUNT(ring_overlapped);
	t->ring_inside = t->ring_losing = t->ring_overlapped = 0;
}

// At the entry of packet_sendmsg. What was passed over is told from the ring's head, which any call of the socket moves, and only
// from within the kernel's lock (pg_vec_lock) it is this one's alone: from the first allocation to the last. Before and behind,
// where another call was there too, it is said that something may have been passed over. (Threads that are not traced are not
// known of, but where they hold the lock right now.)
static __always_inline void ring_begin(struct sr_task *t, struct packet_sock *po)
{
	ring_end(t);
	t->ring_inside = 1;
	// Through memory: the verifier lets nobody reckon with a pointer whose type it knows.
	call_begin(&t->ring_alone, *(volatile __u64 *)&t->sock);
	if (ring_is_busy(po))
		t->ring_alone.alone = 0;
	t->ring_next = BPF_CORE_READ(po, tx_ring.head);
	t->ring_losing = passes_over(po);
	if (t->ring_losing)
		t->ring_ready = ring_status(po) == SR_TP_STATUS_SEND_REQUEST; // and nothing else: packet_lookup_frame
}

// Where the head is now. True where no other call can have moved it since this one looked last: so first the head is read.
SR_ALONE ring_look(struct sr_task *t)
{
	struct packet_sock *po;

	if (!t)
		return false;
	po = (void *)t->sock;
	t->ring_head = BPF_CORE_READ(po, tx_ring.head);
	return still_alone(&t->ring_alone);
}

// How many places the head has moved on behind the last frame that was seen, by the last look. 0 where the ring has been taken away or made anew meanwhile,
// and has not so many places (packet_set_ring).
SR_ALONE ring_moved(struct sr_task *t)
{
	struct packet_sock *po;
	__u32 head, before, places;

	if (!t)
		return 0;
	po = (void *)t->sock;
	head = t->ring_head;
	before = t->ring_next;
	places = BPF_CORE_READ(po, tx_ring.frame_max) + 1;
	t->ring_next = head;
	if (head >= places || before >= places)
		return 0;
	return head - before + (head < before ? places : 0);
}

// At the return. Without PACKET_LOSS each frame that the head moved by was handed on, and one of which no hook was hit is a send
// without a record. `told`: frames that have one. (With PACKET_LOSS such a frame looks like one that was passed over.)
static __always_inline void ring_count_unseen(struct sr_task *t, __u32 told)
{
	__u32 moved;

	if (t->ring_losing || !ring_look(t))
		return;
	moved = ring_moved(t);
	if (moved > told)
		COUNT_MORE(sends_begun, moved - told);
}

// How many frames were passed over since the last one that was seen. `alone`: no other call can have moved the head since.
static __always_inline __u32 ring_passed(struct sr_task *t, bool alone)
{
	__u32 passed;

	if (!t->ring_losing)
		return 0;
	passed = ring_moved(t);
	alone_look(&t->ring_alone);
	if (!passed || alone)
		return passed;
	t->ring_overlapped = 1;
	return 0;
}

// The head is at the last frame that was seen, not behind it. (Of a single place both are the same: `failed` tells.)
static __always_inline bool ring_stays(const struct sr_task *t, bool failed)
{
	__u32 next = ring_step(t, t->ring_head);

	return next == t->ring_head ? failed : next == t->ring_next;
}

static long ring_pass_one(__u32 index, __u64 *now)
{
	struct sr_task *t = open_task();

	if (!t)
		return 1;
	t->send.flags |= SR_SEND_SKIPPED;
	ring_next_frame(t, *now);
	return 0;
}

// The open record, which is no frame's yet, is the first one's; behind them stands one that is no frame's again. Of very many
// the rest is counted as sends that left no record.
SR_ALONE ring_pass_over(__u32 frames, __u64 now)
{
	if (!frames)
		return 0;
	if (frames > SR_PASSED_MOST) {
		COUNT_MORE(sends_begun, frames - SR_PASSED_MOST);
		frames = SR_PASSED_MOST;
	}
	bpf_loop(frames, ring_pass_one, &now, 0);
	return 0;
}

// Within the kernel's lock, at the frame at the head: what stands before it was passed over.
static __always_inline void ring_come_to(struct sr_task *t, __u64 now)
{
	ring_look(t);
	ring_pass_over(ring_passed(t, true), now);
}

// The frame that comes next is one that was seen.
static __always_inline void ring_take(struct sr_task *t)
{
	if (t->ring_losing)
		t->ring_next = ring_step(t, t->ring_next);
}

// The open record is that of a frame of the ring, whose allocation was seen, or at least that it was handed on: the next one
// is another's.
static __always_inline bool ring_is_behind(const struct sr_task *t)
{
	return t->send.alloc_hits || SPAN(&t->send, SR_SLOT_XMIT).start;
}

// A frame of a TX ring at its xmit, the hook on whose allocation was skipped.
SR_ALONE ring_found(struct sr_task *t)
{
	__u64 now;

	if (!t)
		return 0;
	now = t->ring_alloc ?: bpf_ktime_get_ns();
	if (SPAN(&t->send, SR_SLOT_XMIT).start)
		ring_next_frame(t, now);
	ring_come_to(t, now);
	ring_take(t);
	t->ring_alloc = 0;
	t->xmit_mine = t->xmit_depth = 1;
	return 0;
}

#endif
