// The TX ring that tpacket_snd takes its frames from, and the frames in it that no hook sees: with PACKET_LOSS it passes over
// one whose header is malformed before it allocates anything (net/packet/af_packet.c: tpacket_error). Only the ring's head
// tells: it has moved on by more than the frames that were seen.
#ifndef SOCKRAY_BPF_RING_H
#define SOCKRAY_BPF_RING_H

#include "flight.bpf.h"
#include "packet_sock.bpf.h"
#include "record.bpf.h"

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

// The place behind this one: packet_increment_head.
static __always_inline __u32 ring_step(const struct sr_task *t, __u32 place)
{
	struct packet_sock *po = (void *)t->sock;

	return place == BPF_CORE_READ(po, tx_ring.frame_max) ? 0 : place + 1;
}

// Whether the frame at the head is to be sent: __packet_get_status. In TPACKET_V3 the status stands behind five fields.
static __always_inline bool ring_is_ready(struct packet_sock *po)
{
	__u32 status = 0;

	bpf_probe_read_kernel(&status, sizeof(status),
			      (void *)ring_frame_at(po) + (BPF_CORE_READ(po, tp_version) == SR_TPACKET_V3 ? 20 : 0));
	return status & SR_TP_STATUS_SEND_REQUEST;
}

// At the entry of packet_sendmsg. A call that waits there for another one's end does not know where that will leave the head:
// what it passes over is not seen.
static __always_inline void ring_begin(struct sr_task *t, struct packet_sock *po)
{
	t->ring_losing = passes_over(po) && !ring_is_busy(po);
	if (!t->ring_losing)
		return;
	t->ring_next = BPF_CORE_READ(po, tx_ring.head);
	t->ring_ready = ring_is_ready(po);
}

// How many frames were passed over since the last one that was seen.
static __always_inline __u32 ring_passed(struct sr_task *t)
{
	struct packet_sock *po = (void *)t->sock;
	__u32 head, passed;

	if (!t->ring_losing)
		return 0;
	head = BPF_CORE_READ(po, tx_ring.head);
	passed = head - t->ring_next;
	if (head < t->ring_next)
		passed += BPF_CORE_READ(po, tx_ring.frame_max) + 1;
	t->ring_next = head;
	return passed;
}

// The head is at the last frame that was seen, not behind it.
static __always_inline bool ring_stays(const struct sr_task *t)
{
	struct packet_sock *po = (void *)t->sock;

	return ring_step(t, BPF_CORE_READ(po, tx_ring.head)) == t->ring_next;
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
static __always_inline void ring_pass_over(__u32 frames, __u64 now)
{
	if (!frames)
		return;
	if (frames > SR_PASSED_MOST) {
		COUNT_MORE(sends_begun, frames - SR_PASSED_MOST);
		frames = SR_PASSED_MOST;
	}
	bpf_loop(frames, ring_pass_one, &now, 0);
}

#endif
