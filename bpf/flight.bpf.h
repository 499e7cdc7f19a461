// The frame's own life. A frame that a qdisc keeps goes on when its send has returned: in softirq, in another task, on
// another CPU, cut into segments. It is known by the address of its skb, from before the qdisc gets it until a driver
// has it (or, where the end of the skb is asked for, until that is freed).
//
// Who takes an entry out of the map reports the frame's end: into the send's own record while that is open, else as a
// record of its own (sr_frame), which user space joins by the send's id.
#ifndef SOCKRAY_BPF_FLIGHT_H
#define SOCKRAY_BPF_FLIGHT_H

#include "task.bpf.h"

#define SR_LIST_WALK 16     // frames of one dequeue that are looked through for ours
#define SR_SEGMENT_WALK 128 // segments of one frame that are followed
#define SR_PASSAGES 10      // drivers inside drivers on one CPU: one more than XMIT_RECURSION_LIMIT + 1, linux/netdevice.h
#define SR_TX_MASK 0x0f     // NET_XMIT_MASK: from here on the driver did not take it (include/linux/netdevice.h: dev_xmit_complete)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536); // set by user space
	__type(key, __u64);	    // struct sk_buff
	__type(value, struct sr_flight);
} flights SEC(".maps");

// A frame that a driver has been given: between the tracepoints net_dev_start_xmit and net_dev_xmit the skb may be freed
// and its address come again, so what is known of it waits here. Softirqs are off in between.
struct sr_passage {
	__u64 skb;
	__u64 start;
	__u64 ndo_fn;
	struct sr_flight flight; // id 0: a frame of the open send that is not in the map
	__u64 dropped;
};

struct sr_passages {
	__u32 depth;
	__u32 pad;
	__u64 segmenting; // struct sk_buff that __skb_gso_segment has, in the task `segmenter`
	__u64 segmenter;
	struct sr_passage at[SR_PASSAGES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sr_passages);
} passages SEC(".maps");

// Entries of `flights`: nobody looks there while there are none.
__u64 flying = 0;

#define STAGE_ON(stage) (config.stages & (1ULL << (stage)))

static __always_inline struct sr_task *open_task(void)
{
	struct sr_task *t = task_find();

	return t && t->state == SR_OPEN ? t : NULL;
}

static __always_inline struct sr_task *open_send(__u64 id)
{
	struct sr_task *t = open_task();

	return t && t->send.id == id ? t : NULL;
}

static __always_inline bool flight_put(struct sk_buff *skb, const struct sr_flight *flight)
{
	__u64 key = (__u64)skb;
	long error = bpf_map_update_elem(&flights, &key, flight, BPF_NOEXIST);

	if (!error)
		__sync_fetch_and_add(&flying, 1);
	else if (error == -17) // EEXIST: the end of an earlier skb at this address was not seen
		error = bpf_map_update_elem(&flights, &key, flight, BPF_EXIST);
	if (error)
		COUNT(flights_full);
	return !error;
}

// True for the one who took it out.
static __always_inline bool flight_take(__u64 key)
{
	if (bpf_map_delete_elem(&flights, &key))
		return false;
	__sync_fetch_and_sub(&flying, 1);
	return true;
}

static __always_inline struct sr_flight *flight_find(__u64 key)
{
	return *(volatile __u64 *)&flying ? bpf_map_lookup_elem(&flights, &key) : NULL;
}

static __always_inline struct sr_passages *cpu_passages(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&passages, &zero);
}

static __always_inline bool is_gso(struct sk_buff *skb)
{
	struct skb_shared_info *info = (void *)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end);

	return BPF_CORE_READ(info, gso_size) != 0;
}

// Whether the device may keep the frame: it has a queue that takes frames in (noqueue has no enqueue function), or the
// frame is cut up on its way.
static __always_inline bool may_be_kept(struct sk_buff *skb, struct net_device *dev)
{
	return BPF_CORE_READ(dev, _tx, qdisc, enqueue) || is_gso(skb);
}

static __always_inline void flight_begin(struct sr_task *t, struct sk_buff *skb, bool direct)
{
	struct sr_flight flight = {
		.id = t->send.id,
		.dev = (__u64)BPF_CORE_READ(skb, dev),
		.sock = t->sock,
		.direct = direct,
	};

	if (mode == SR_MODE_OFF || mode == SR_MODE_DONE || t->tracked)
		return;
	if (flight_put(skb, &flight)) {
		t->tracked = 1;
		t->send.flags |= SR_SEND_TRACKED;
	} else {
		t->send.flags |= SR_SEND_UNTRACKED;
	}
}

static __always_inline void frame_emit(struct sr_frame *frame, __u64 id, __u32 kind)
{
	frame->send = id;
	frame->kind = kind;
	if (!frame->ns)
		frame->ns = bpf_ktime_get_ns();
	head_fill(&frame->head, SR_RECORD_FRAME, sizeof(*frame), COUNT(frames_emitted));
	if (ring_put(frame, sizeof(*frame)))
		COUNT(frames_no_room);
}

// --- the driver ------------------------------------------------------------------------------------------------------

SEC("?raw_tracepoint")
int BPF_PROG(driver_given, struct sk_buff *skb, struct net_device *dev)
{
	struct sr_passages *all;
	struct sr_passage *p;
	struct sr_flight *f;
	struct sr_task *t = NULL;
	__u32 at;

	if (mode == SR_MODE_DONE)
		return 0;
	f = flight_find((__u64)skb);
	if (!f) {
		if (!STAGE_ON(SR_STAGE_NDO))
			return 0;
		t = open_task();
		if (!t || t->tracked || t->skb != (__u64)skb)
			return 0;
	}
	all = cpu_passages();
	if (!all)
		return 0;
	at = all->depth;
	if (at >= SR_PASSAGES) { // returns that were not seen
		COUNT(passages_lost);
		all->depth = at = 0;
	}
	p = &all->at[at];
	all->depth = at + 1;
	__builtin_memset(p, 0, sizeof(*p));
	p->skb = (__u64)skb;
	p->ndo_fn = (__u64)BPF_CORE_READ(dev, netdev_ops, ndo_start_xmit);
	if (f) {
		p->flight = *f;
		f->given = 1;
		if (!STAGE_ON(SR_STAGE_FREED) && !flight_take((__u64)skb)) {
			all->depth = at;
			return 0;
		}
	}
	p->start = bpf_ktime_get_ns();
	return 0;
}

static __always_inline void driver_done(struct sr_passage *p, int ret, __u64 now)
{
	bool ours = p->flight.id != 0;
	struct sr_task *t = ours ? open_send(p->flight.id) : open_task();

	if (t && (ours || t->skb == p->skb || !t->tracked)) {
		struct sr_send *s = &t->send;

		if (!s->span[SR_SLOT_NDO].start) {
			s->stage[SR_SLOT_NDO] = SR_STAGE_NDO;
			s->span[SR_SLOT_NDO].start = p->start;
			s->span[SR_SLOT_NDO].end = now;
			s->ndo_fn = p->ndo_fn;
		}
		if (!ours)
			return;
		s->driver_ret = ret;
		if (p->flight.dequeued) {
			s->stage[SR_SLOT_DEQUEUE] = SR_STAGE_DEQUEUE;
			s->span[SR_SLOT_DEQUEUE].start = s->span[SR_SLOT_DEQUEUE].end = p->flight.dequeued;
		}
		if (!p->dropped && ret == 0)
			s->driver_hits++;
		else if (!p->dropped)
			s->driver_drops++;
		return;
	}
	if (ours && !p->dropped) {
		struct sr_frame frame = {
			.ns = now,
			.ret = ret,
			.dequeued = p->flight.dequeued,
			.ndo = {.start = p->start, .end = now},
			.ndo_fn = p->ndo_fn,
		};

		frame_emit(&frame, p->flight.id, SR_FRAME_TAKEN);
	}
}

SEC("?raw_tracepoint")
int BPF_PROG(driver_took, struct sk_buff *skb, int ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_passages *all = cpu_passages();
	struct sr_passage *p = NULL;
	struct sr_flight *f;

	if (!all)
		return 0;
	for (__u32 back = 1; back <= SR_PASSAGES; back++) {
		__u32 at = SR_PASSAGES - back;

		if (at >= all->depth || all->at[at].skb != (__u64)skb)
			continue;
		p = &all->at[at];
		if (all->depth > at + 1)
			COUNT(passages_lost);
		all->depth = at;
		break;
	}
	if (!p)
		return 0;
	p->skb = 0;
	if (ret >= SR_TX_MASK) { // NETDEV_TX_BUSY: the qdisc keeps it
		if (!p->flight.id)
			return 0;
		f = flight_find((__u64)skb);
		if (!STAGE_ON(SR_STAGE_FREED))
			flight_put(skb, &p->flight);
		else if (f && f->id == p->flight.id)
			f->given = 0;
		return 0;
	}
	if (p->flight.id && STAGE_ON(SR_STAGE_FREED)) {
		f = p->dropped ? NULL : flight_find((__u64)skb);
		if (f && f->id == p->flight.id) {
			// A device below this one has taken it, or its queue has it.
			if (f->taken || f->dev != p->flight.dev)
				return 0;
			f->taken = 1;
		}
	}
	driver_done(p, ret, now);
	return 0;
}

// --- the qdisc -------------------------------------------------------------------------------------------------------

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

// --- segmentation ----------------------------------------------------------------------------------------------------

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

// --- receivers on the same machine -----------------------------------------------------------------------------------

static __always_inline void receivers_count(struct packet_sock *po, __u64 *packets, __u64 *drops)
{
	*packets = BPF_CORE_READ(po, stats.stats1.tp_packets);
	*drops = BPF_CORE_READ(po, tp_drops.counter);
}

// packet_rcv and tpacket_rcv return 0 whatever happens: what they count tells.
struct sr_offer {
	__u64 id; // 0: none
	__u64 sock;
	__u64 packets;
	__u64 drops;
	__u64 ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sr_offer);
} offers SEC(".maps");

static __always_inline int on_receive_enter(struct sk_buff *skb, struct packet_type *type)
{
	struct sr_flight *f = flight_find((__u64)skb);
	struct sr_offer *offer;
	__u32 zero = 0;

	if (!*(volatile __u64 *)&flying)
		return 0;
	offer = bpf_map_lookup_elem(&offers, &zero);
	if (!offer)
		return 0;
	offer->id = f ? f->id : 0;
	if (!f)
		return 0;
	offer->sock = (__u64)BPF_CORE_READ(type, af_packet_priv);
	offer->ns = bpf_ktime_get_ns();
	receivers_count((void *)offer->sock, &offer->packets, &offer->drops);
	return 0;
}

static __always_inline int on_receive_exit(__u32 stage)
{
	struct sr_offer *offer;
	struct sr_frame frame = {};
	__u64 packets, drops;
	struct sock *receiver;
	struct socket *sock;
	struct sr_task *t;
	__u32 zero = 0;

	if (!*(volatile __u64 *)&flying)
		return 0;
	offer = bpf_map_lookup_elem(&offers, &zero);
	if (!offer || !offer->id)
		return 0;
	frame.send = offer->id;
	offer->id = 0;
	receiver = (void *)offer->sock;
	receivers_count((void *)receiver, &packets, &drops);
	frame.ns = offer->ns;
	frame.stage = stage;
	frame.received = drops != offer->drops	     ? SR_RECEIVED_FULL
			 : packets != offer->packets ? SR_RECEIVED_TAKEN
						     : SR_RECEIVED_FILTERED;
	sock = BPF_CORE_READ(receiver, sk_socket);
	frame.socket_ino = sock ? socket_inode(sock) : 0;
	t = open_send(frame.send);
	if (!t) {
		frame_emit(&frame, frame.send, SR_FRAME_RECEIVED);
		return 0;
	}
	if (!t->send.receivers++) {
		t->send.received = frame.received;
		t->send.received_ino = frame.socket_ino;
		t->send.stage[SR_SLOT_RECEIVE] = stage;
		t->send.span[SR_SLOT_RECEIVE].start = t->send.span[SR_SLOT_RECEIVE].end = frame.ns;
	}
	return 0;
}

// --- the end of the skb ----------------------------------------------------------------------------------------------

// What the receiver of a frame does with it is not the send's doing. __dev_direct_xmit runs the receiver's softirq before
// it returns, and no tracepoint says that the driver has taken the frame; but one that a driver has passed on has another
// device (drivers/net/veth.c) or no socket any more (drivers/net/loopback.c).
static __always_inline bool passed_on(struct sk_buff *skb, __u64 dev, __u64 sock)
{
	return (__u64)BPF_CORE_READ(skb, dev) != dev || (__u64)BPF_CORE_READ(skb, sk) != sock;
}

static __always_inline void drop_note(struct sr_task *t, __u64 location, __u32 reason, bool in_driver)
{
	struct sr_send *s = &t->send;

	s->drops++;
	if (s->flags & SR_SEND_DROP)
		return;
	s->flags |= SR_SEND_DROP;
	s->drop_reason = reason;
	s->drop_location = location;
	s->drop_ns = bpf_ktime_get_ns();
	s->drop_in_driver = in_driver;
}

// The passage of the frame that the driver on this CPU has right now.
static __always_inline struct sr_passage *passage_of(__u64 skb)
{
	struct sr_passages *all = cpu_passages();
	__u32 at;

	if (!all || !all->depth)
		return NULL;
	at = all->depth - 1;
	if (at >= SR_PASSAGES || all->at[at].skb != skb)
		return NULL;
	return &all->at[at];
}

static __always_inline int frame_freed(struct sk_buff *skb, __u64 location, __u32 reason, bool drop)
{
	struct sr_flight flight = {}, *f = flight_find((__u64)skb);
	struct sr_passage *p = passage_of((__u64)skb);
	bool in_driver = p != NULL;
	struct sr_frame frame = {};
	struct sr_task *t;
	__u32 kind;

	if (f) {
		flight = *f;
		if (!flight_take((__u64)skb))
			return 0;
	} else if (drop && p && p->flight.id && !p->dropped) {
		flight = p->flight;
	} else {
		return 0;
	}
	if (drop && p) {
		if (p->dropped)
			return 0;
		p->dropped = 1;
	}
	if (flight.taken || (flight.given && !in_driver) || (in_driver && !drop) ||
	    (flight.direct && !in_driver && passed_on(skb, flight.dev, flight.sock)))
		kind = SR_FRAME_FREED;
	else
		kind = drop ? SR_FRAME_DROPPED : SR_FRAME_CONSUMED;
	t = open_send(flight.id);
	if (t && kind == SR_FRAME_DROPPED) {
		drop_note(t, location, reason, in_driver);
	} else if (t && kind == SR_FRAME_FREED) {
		t->send.frees++;
		t->send.freed_reason = reason;
		t->send.stage[SR_SLOT_FREED] = SR_STAGE_FREED;
		t->send.span[SR_SLOT_FREED].start = t->send.span[SR_SLOT_FREED].end = bpf_ktime_get_ns();
	} else {
		frame.drop_reason = reason;
		frame.drop_location = location;
		frame.in_driver = in_driver;
		frame.dequeued = flight.dequeued;
		frame_emit(&frame, flight.id, kind);
	}
	return 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(skb_consumed, struct sk_buff *skb)
{
	if (!*(volatile __u64 *)&flying || mode == SR_MODE_DONE)
		return 0;
	return frame_freed(skb, 0, 0, false);
}

SEC("?raw_tracepoint")
int BPF_PROG(skb_freed, struct sk_buff *skb, void *location, __u32 reason)
{
	struct sr_task *t;

	if (mode == SR_MODE_DONE)
		return 0;
	t = open_task();
	if (!t || t->tracked || !t->skb || (__u64)skb != t->skb)
		return frame_freed(skb, (__u64)location, reason, true);
	if (!t->driver_mine && t->dev && passed_on(skb, t->dev, t->sock))
		return 0;
	t->skb = 0;
	drop_note(t, (__u64)location, reason, t->driver_mine != 0);
	return 0;
}

#endif
