// A frame that is cut up (GSO): from then on its segments are followed in its place.
#ifndef SOCKRAY_BPF_SEGMENTS_H
#define SOCKRAY_BPF_SEGMENTS_H

#include "flight.bpf.h"

#define SR_MOST_SEGMENTS 65536 // GSO_MAX_SEGS, include/linux/netdevice.h

// Passed by bpf_loop.
struct sr_segments {
	struct sk_buff *next;
	__u64 count;
	struct sr_flight flight;
};

static long segment_count(__u32 step, struct sr_segments *walk)
{
	struct sk_buff *segment = walk->next;

	if (!segment)
		return 1;
	walk->count++;
	walk->next = BPF_CORE_READ(segment, next);
	return 0;
}

static long segment_follow(__u32 step, struct sr_segments *walk)
{
	struct sk_buff *segment = walk->next;

	if (!segment)
		return 1;
	flight_put(segment, &walk->flight);
	walk->next = BPF_CORE_READ(segment, next);
	return 0;
}

static __always_inline int on_segment_enter(struct sk_buff *skb)
{
	struct sr_flight *f = flight_of(skb);
	struct sr_passages *all = *(volatile __u64 *)&flying ? cpu_passages() : NULL;

	if (!all || mode == SR_MODE_DONE)
		return 0;
	// What a driver has and passed on to this machine is cut up by somebody else.
	all->segmenting = f && !f->taken ? (__u64)skb : 0;
	all->segmenter = bpf_get_current_task();
	return 0;
}

// net/core/dev.c, validate_xmit_skb: NULL and errors leave the frame as it was.
static __always_inline int on_segment_exit(struct sk_buff *segment)
{
	struct sr_passages *all = *(volatile __u64 *)&flying ? cpu_passages() : NULL;
	struct sr_segments walk = {.next = segment};
	struct sr_flight *f;
	struct sr_task *t;
	__u64 whole;

	if (!all || mode == SR_MODE_DONE || !all->segmenting || all->segmenter != bpf_get_current_task())
		return 0;
	whole = all->segmenting;
	all->segmenting = 0;
	f = flight_find(whole);
	if (!f || !segment || (__u64)segment >= (__u64)-4095)
		return 0;
	walk.flight = *f;
	if (!flight_take(whole))
		return 0;
	bpf_loop(SR_MOST_SEGMENTS, segment_count, &walk, 0);
	walk.flight.segments = walk.count;
	walk.next = segment;
	bpf_loop(SR_MOST_SEGMENTS, segment_follow, &walk, 0);
	t = open_send(walk.flight.id);
	if (t) {
		fills(t, SR_SEND_FRAME);
		t->send.segments = walk.count;
	} else {
		struct sr_frame frame = {.segments = walk.count};

		frame_emit(&frame, walk.flight.id, SR_FRAME_SEGMENTED);
	}
	return 0;
}

#endif
