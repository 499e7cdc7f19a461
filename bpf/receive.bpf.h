// Packet sockets on the same machine that are offered a frame: which one, and whether it took it.
#ifndef SOCKRAY_BPF_RECEIVE_H
#define SOCKRAY_BPF_RECEIVE_H

#include "calls.bpf.h"
#include "flight.bpf.h"

static __always_inline void receivers_count(struct packet_sock *po, __u64 *packets, __u64 *drops)
{
	*packets = BPF_CORE_READ(po, stats.stats1.tp_packets);
	*drops = BPF_CORE_READ(po, tp_drops.counter);
}

// packet_rcv and tpacket_rcv return 0 whatever happens: what they count tells, and only where no other CPU is in there for the
// same socket, with whosever frame.
struct sr_offer {
	__u64 id; // 0: no frame that is traced
	__u64 sock;
	__u64 packets;
	__u64 drops;
	__u64 ns;
	__u32 stage;
	__u32 inside; // the call was begun in `alone`
	struct sr_alone alone;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sr_offer);
} offers SEC(".maps");

static __always_inline struct sr_offer *cpu_offer(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&offers, &zero);
}

static __always_inline void receive_end(struct sr_offer *offer)
{
	if (offer->inside)
		call_end(&offer->alone);
	offer->inside = 0;
}

static __always_inline int on_receive_enter(__u32 stage, struct sk_buff *skb, struct packet_type *type)
{
	struct sr_flight *f = flight_find((__u64)skb);
	struct sr_offer *offer = cpu_offer();

	if (!offer)
		return 0;
	receive_end(offer); // where the return of another frame was skipped
	offer->id = 0;
	if (mode == SR_MODE_DONE)
		return 0;
	offer->id = f ? f->id : 0;
	offer->sock = (__u64)BPF_CORE_READ(type, af_packet_priv);
	call_begin(&offer->alone, ~offer->sock); // its own sends have another place
	offer->inside = 1;
	if (!f)
		return 0;
	offer->stage = stage;
	offer->ns = bpf_ktime_get_ns();
	receivers_count((void *)offer->sock, &offer->packets, &offer->drops);
	return 0;
}

// By how much the socket's counts have grown. (A reader of PACKET_STATISTICS sets them back to 0.)
static __always_inline __u32 received_by(const struct sr_offer *offer, __u64 packets, __u64 drops)
{
	if (!packets && !drops)
		return SR_RECEIVED_FILTERED;
	if (!still_alone(&offer->alone) || packets + drops != 1 || packets > 1)
		return SR_RECEIVED_UNKNOWN;
	return packets ? SR_RECEIVED_TAKEN : SR_RECEIVED_FULL;
}

// Once for each offer: the socket has counted the frame by now.
static __always_inline void receive_tell(struct sr_offer *offer)
{
	struct sr_frame frame = {};
	struct sr_span *span;
	__u64 packets, drops;
	struct sock *receiver = (void *)offer->sock;
	struct socket *sock;
	struct sr_task *t;

	frame.send = offer->id;
	offer->id = 0;
	receivers_count((void *)receiver, &packets, &drops);
	frame.ns = offer->ns;
	frame.stage = offer->stage;
	frame.received = received_by(offer, packets - offer->packets, drops - offer->drops);
	sock = BPF_CORE_READ(receiver, sk_socket);
	frame.socket_ino = sock ? socket_inode(sock) : 0;
	t = open_send(frame.send);
	if (!t || t->send.receivers) {
		if (!t)
			frame_emit(&frame, frame.send, SR_FRAME_RECEIVED);
		else if (t->send.receivers++ <= SR_RECEIVERS_MOST)
			frame_emit(&frame, frame.send, SR_FRAME_ALSO_RECEIVED);
		return;
	}
	span = span_of(t, SR_SLOT_RECEIVE);
	t->send.receivers = 1;
	t->send.received = frame.received;
	t->send.received_ino = frame.socket_ino;
	t->send.stage[SR_SLOT_RECEIVE] = frame.stage;
	span->start = span->end = frame.ns;
}

// Whether frames are under way says nothing here: the last receiver of a frame may have freed it.
static __always_inline int on_receive_exit(void)
{
	struct sr_offer *offer = cpu_offer();

	if (!offer)
		return 0;
	if (offer->id && mode != SR_MODE_DONE)
		receive_tell(offer);
	receive_end(offer);
	return 0;
}

#endif
