// A frame that is cut up (GSO): from then on its segments are followed in its place.
#ifndef SOCKRAY_BPF_SEGMENTS_H
#define SOCKRAY_BPF_SEGMENTS_H

#include "flight.bpf.h"

#define SR_SEGMENT_WALK 128 // segments of one frame that are followed

static __always_inline int on_segment_enter(struct sk_buff *skb)
{
	struct sr_flight *f = flight_find((__u64)skb);
	struct sr_passages *all = *(volatile __u64 *)&flying ? cpu_passages() : NULL;

	if (!all)
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
	struct sr_flight flight, *f;
	struct sr_frame frame = {};
	struct sr_task *t;
	__u64 whole;

	if (!all || !all->segmenting || all->segmenter != bpf_get_current_task())
		return 0;
	whole = all->segmenting;
	all->segmenting = 0;
	f = flight_find(whole);
	if (!f || !segment || (__u64)segment >= (__u64)-4095)
		return 0;
	flight = *f;
	if (!flight_take(whole))
		return 0;
	for (int i = 0; i < SR_SEGMENT_WALK && segment; i++) {
		flight_put(segment, &flight);
		frame.segments++;
		segment = BPF_CORE_READ(segment, next);
	}
	while (segment && frame.segments < 2 * SR_SEGMENT_WALK) { // too many to follow: their ends stay unknown
		COUNT(flights_full);
		frame.segments++;
		segment = BPF_CORE_READ(segment, next);
	}
	t = open_send(flight.id);
	if (t)
		t->send.segments = frame.segments;
	else
		frame_emit(&frame, flight.id, SR_FRAME_SEGMENTED);
	return 0;
}

#endif
