// The bytes of a frame, for a recording: taken when the frame is handed to its device, before a qdisc or a driver has it.
//
// What lies together in memory is read together, straight into the ring: an skb's linear part, each of its page fragments,
// or the frame in a TX ring. The ring's room must be of a size that the verifier knows, so there are a few of them.
#ifndef SOCKRAY_BPF_PIECES_H
#define SOCKRAY_BPF_PIECES_H

#include "task.bpf.h"

#define SR_PAGE_SHIFT 12 // of x86-64, the only one with config.vmemmap
#define SR_MOST_FRAGS 17 // MAX_SKB_FRAGS, linux/skbuff.h
#define SR_MOST_PIECES 48 // of 64 KiB in 4 KiB each, and what begins in between

// skb_frag_t: a struct bio_vec, since 6.10 (21d2e6737c97) a struct skb_frag, of the same layout.
struct sr_frag {
	__u64 page; // struct page; the lowest bit is set where it is no page at all
	__u32 size;
	__u32 offset;
};

// The verifier forgets the bound of a size that was spilled: it is said again where it counts.
#define BOUND(size, most)                \
	({                               \
		barrier_var(size);       \
		if (size > most)         \
			size = most;     \
	})

#define PIECE_OF(room)                                                                                   \
	static __noinline int piece_of_##room(struct sr_pieces *p, __u32 size)                            \
	{                                                                                                 \
		struct sr_piece *piece = bpf_ringbuf_reserve(&ring, sizeof(*piece) + room, 0);            \
                                                                                                          \
		head_fill(&p->head.head, SR_RECORD_PIECE, sizeof(*piece) + room, COUNT(pieces_emitted)); \
		if (!piece) {                                                                             \
			COUNT(pieces_no_room);                                                            \
			return 0;                                                                         \
		}                                                                                         \
		p->head.size = size;                                                                      \
		*piece = p->head;                                                                         \
		BOUND(size, room);                                                                        \
		if (bpf_probe_read_kernel(piece + 1, size, (void *)p->from)) {                            \
			COUNT(pieces_unread);                                                             \
			piece->size = 0;                                                                  \
		}                                                                                         \
		bpf_ringbuf_submit(piece, BPF_RB_NO_WAKEUP);                                              \
		return 0;                                                                                 \
	}

PIECE_OF(72)
PIECE_OF(200)
PIECE_OF(584)
PIECE_OF(1544)
PIECE_OF(4096)

// `info`: struct skb_shared_info.
static __always_inline struct sr_frag fragment_read(__u64 info, __u32 index)
{
	struct sr_frag frag = {};

	bpf_probe_read_kernel(&frag, sizeof(frag), (void *)info + config.frags_at + index * sizeof(frag));
	return frag;
}

// Where its bytes are; 0: not known.
static __always_inline __u64 fragment_at(const struct sr_frag *frag)
{
	if (!config.vmemmap || !config.page_bytes || frag->page & 1)
		return 0;
	return config.page_offset + ((frag->page - config.vmemmap) / config.page_bytes << SR_PAGE_SHIFT) + frag->offset;
}

static __always_inline bool next_fragment(struct sr_pieces *p)
{
	__u32 index = p->frag++;
	struct sr_frag frag;

	if (index >= p->frags || index >= SR_MOST_FRAGS)
		return false;
	frag = fragment_read(p->info, index);
	p->rest = frag.size;
	p->from = fragment_at(&frag);
	if (!p->from)
		COUNT(pieces_unread);
	return p->from != 0;
}

// `context`: bpf_loop() takes only what is on the stack.
static long piece_next(__u32 index, struct sr_task **context)
{
	struct sr_pieces *p = &(*context)->pieces;
	__u32 size;

	if (p->head.offset >= p->want || (!p->rest && !next_fragment(p)))
		return 1;
	size = p->rest;
	if (size > p->want - p->head.offset)
		size = p->want - p->head.offset;
	if (size > SR_PIECE_BYTES)
		size = SR_PIECE_BYTES;
	if (size <= 72)
		piece_of_72(p, size);
	else if (size <= 200)
		piece_of_200(p, size);
	else if (size <= 584)
		piece_of_584(p, size);
	else if (size <= 1544)
		piece_of_1544(p, size);
	else
		piece_of_4096(p, size);
	p->from += size;
	p->rest -= size;
	p->head.offset += size;
	return 0;
}

// `ring_bytes`: where the frame of a TX ring begins in the ring, 0 for others. Of it only the header is in the skb's own
// memory.
static __always_inline void pieces_put(struct sr_task *t, struct sk_buff *skb, __u64 ring_bytes, __u32 bypass)
{
	struct sr_task *context = t;
	struct sr_pieces *p = &t->pieces;
	__u32 length = BPF_CORE_READ(skb, len);
	__u32 linear = length - BPF_CORE_READ(skb, data_len);
	__u32 want = length < config.snaplen ? length : config.snaplen;

	__builtin_memset(p, 0, sizeof(*p));
	p->head.send = t->send.id;
	p->head.ns = bpf_ktime_get_ns();
	p->head.length = length;
	p->head.dev_type = BPF_CORE_READ(skb, dev, type);
	p->head.bypass = bypass;
	p->want = want;
	p->from = (__u64)BPF_CORE_READ(skb, data);
	p->rest = linear;
	if (!ring_bytes) {
		struct skb_shared_info *info = (void *)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end);

		p->info = (__u64)info;
		p->frags = BPF_CORE_READ(info, nr_frags);
	}
	bpf_loop(SR_MOST_PIECES, piece_next, &context, 0);
	if (ring_bytes) {
		p->from = ring_bytes + linear;
		p->rest = length - linear;
		bpf_loop(SR_MOST_PIECES, piece_next, &context, 0);
	}
}

#endif
