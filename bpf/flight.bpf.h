// The frame's own life. A frame that a qdisc keeps goes on when its send has returned: in softirq, in another task, on
// another CPU, cut into segments. It is known by the address of its skb, from before the qdisc gets it until a driver
// has it (or, where the end of the skb is asked for, until that is freed).
//
// Who takes an entry out of the map reports the frame's end: into the send's own record while that is open, else as a
// record of its own (sr_frame), which user space joins by the send's id.
#ifndef SOCKRAY_BPF_FLIGHT_H
#define SOCKRAY_BPF_FLIGHT_H

#include "task.bpf.h"

#define SR_LIST_WALK 1024   // frames of one dequeue that are looked through for ours
#define SR_PASSAGES 10      // drivers inside drivers on one CPU: one more than XMIT_RECURSION_LIMIT + 1, linux/netdevice.h

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
	__u32 dropped;
	__u32 tx_queue; // as in sr_send
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

// A frame went past the qdisc: then the receiver of one may have freed it before its send has returned.
__u32 bypassed = 0;

// NET_XMIT_MASK: from here on the driver did not take it (include/linux/netdevice.h: dev_xmit_complete)
#define SR_TX_MASK 0x0f

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
	else if (error == -17) { // EEXIST: the end of an earlier skb at this address was not seen
		COUNT(passages_lost);
		error = bpf_map_update_elem(&flights, &key, flight, BPF_EXIST);
	}
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

// What is known of the frame that the skb carries. One that another socket's skb has by now is not it, and its own end was
// not seen: then it is forgotten. (Whom a driver has handed a frame may own it.)
static __always_inline struct sr_flight *flight_of(struct sk_buff *skb)
{
	struct sr_flight *f = flight_find((__u64)skb);
	__u64 sock;

	if (!f || f->given || f->direct)
		return f;
	sock = (__u64)BPF_CORE_READ(skb, sk);
	if (!sock || sock == f->sock)
		return f;
	if (flight_take((__u64)skb))
		COUNT(passages_lost);
	return NULL;
}

static __always_inline void drop_note(struct sr_task *t, __u64 location, __u32 reason, bool in_driver)
{
	struct sr_send *s = &t->send;

	fills(t, SR_SEND_FRAME);
	s->drops++;
	if (s->flags & SR_SEND_DROP)
		return;
	s->flags |= SR_SEND_DROP;
	s->drop_reason = reason;
	s->drop_location = location;
	s->drop_ns = bpf_ktime_get_ns();
	s->drop_in_driver = in_driver;
}

// Freed as dropped past the qdisc, and no longer as the sender's: by a receiver, or by a driver that takes the frame from its
// socket first (drivers/net/tun.c: tun_net_xmit). The result of __dev_direct_xmit tells.
static __always_inline void freed_keep(struct sr_task *t, __u64 location, __u32 reason)
{
	t->freed_at = location;
	t->freed_reason = reason;
}

static __always_inline struct sr_passages *cpu_passages(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&passages, &zero);
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

static __always_inline bool is_gso(struct sk_buff *skb, bool typed)
{
	struct skb_shared_info *info = (void *)FETCH(typed, skb, head) + FETCH(typed, skb, end);

	return READ(info, gso_size) != 0;
}

// Whether the device may keep the frame: it has a queue that takes frames in (noqueue has no enqueue function), or the
// frame is cut up on its way.
static __always_inline bool may_be_kept(struct sk_buff *skb, struct net_device *dev, bool typed)
{
	struct netdev_queue *queue = FETCH(typed, dev, _tx);
	struct Qdisc *qdisc = FETCH(typed, queue, qdisc);

	return FETCH(typed, qdisc, enqueue) || is_gso(skb, typed);
}

static __always_inline void flight_begin(struct sr_task *t, struct sk_buff *skb, bool direct)
{
	struct sr_flight flight = {
		.id = t->send.id,
		.dev = (__u64)READ(skb, dev),
		.sock = t->sock,
		.direct = direct,
		.tap_dev = t->tap_dev,
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

// A driver that has the frame gives it to the device below it (a VLAN, a bond), which keeps it: what becomes of it there is its
// end, and not that the driver took it.
static __always_inline void flight_goes_below(struct sk_buff *skb, bool typed)
{
	struct sr_passage *p = passage_of((__u64)skb);
	struct sr_flight flight;
	struct net_device *dev;

	if (!p || !p->flight.id)
		return;
	dev = FETCH(typed, skb, dev);
	if (!may_be_kept(skb, dev, typed))
		return;
	flight = p->flight;
	flight.dev = (__u64)dev;
	p->flight.id = 0;
	flight_take((__u64)skb); // where the end of the skb is asked for it is there still
	flight_put(skb, &flight);
}

static __always_inline void frame_emit(struct sr_frame *frame, __u64 id, __u32 kind)
{
	frame->send = id;
	frame->kind = kind;
	if (!frame->ns)
		frame->ns = bpf_ktime_get_ns();
	head_fill(&frame->head, SR_RECORD_FRAME, sizeof(*frame), COUNT(frames_emitted));
	if (!RING_PUT(frame))
		COUNT(frames_no_room);
}

#endif
