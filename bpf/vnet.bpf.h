// The virtio-net header of a send that was refused (PACKET_VNET_HDR), read where the caller has it, and the length of a
// frame of the TX ring that was. Only failed sends come here.
#ifndef SOCKRAY_BPF_VNET_H
#define SOCKRAY_BPF_VNET_H

#include "packet_sock.bpf.h"
#include "ring.bpf.h"

#define SR_EINVAL 22
#define SR_IOVECS_BACK 8 // parts of a message that are gone through to its begin

// Where the bytes of the message began, of which packet_snd has taken some (lib/iov_iter.c: iov_iter_advance). With iovecs
// the iterator has moved on among them, and the number of the bytes tells how far. NULL: not in the caller's memory, or not
// all of the header in its first part.
static __always_inline const void *message_begin(struct msghdr *msg, __u64 len)
{
	struct iov_iter *iter = &msg->msg_iter;
	struct iov_iter___iov *plain = (void *)iter;
	struct iov_iter___private_iov *private = (void *)iter;
	__u8 type = BPF_CORE_READ(iter, iter_type);
	struct iovec *at;
	__u64 taken, back;

	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) && type == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		return BPF_CORE_READ(iter, ubuf);
	if (type != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return NULL;
	if (bpf_core_field_exists(private->__iov))
		at = BPF_CORE_READ(private, __iov);
	else if (bpf_core_field_exists(plain->iov))
		at = BPF_CORE_READ(plain, iov);
	else
		return NULL;
	taken = len - BPF_CORE_READ(iter, count);
	back = BPF_CORE_READ(iter, iov_offset);
	for (int i = 0; i < SR_IOVECS_BACK && back < taken; i++) {
		at--;
		back += BPF_CORE_READ(at, iov_len);
	}
	if (back != taken || BPF_CORE_READ(at, iov_len) < SR_VNET_LEN)
		return NULL;
	return BPF_CORE_READ(at, iov_base);
}

// The frame at the head of the TX ring, if the call marked it as malformed there (net/packet/af_packet.c: tpacket_snd). Its
// header stands before it (ring_frame_bytes).
static __always_inline void ring_explain(struct sr_send *s, struct packet_sock *po)
{
	void *frame = (void *)ring_frame_at(po);
	__u32 version = BPF_CORE_READ(po, tp_version);

	if (!(ring_status(po) & SR_TP_STATUS_WRONG_FORMAT))
		return;
	bpf_probe_read_kernel(&s->ring_len, sizeof(s->ring_len),
			      frame + (version == SR_TPACKET_V3 ? 16 : version == SR_TPACKET_V2 ? 4 : 8));
	if (s->vnet_hdr && !has_own_offset(po) &&
	    !bpf_probe_read_kernel(&s->vnet, sizeof(s->vnet),
				   frame + BPF_CORE_READ(po, tp_hdrlen) - 20 /* sizeof(struct sockaddr_ll) */))
		s->flags |= SR_SEND_VNET;
}

// The header is read when the call is over: a thread that has changed it meanwhile is taken at its word.
static __always_inline void vnet_explain(struct sr_send *s, struct packet_sock *po, struct msghdr *msg)
{
	const void *begin;

	if (s->flags & SR_SEND_TX_RING) {
		ring_explain(s, po);
		return;
	}
	if (!s->vnet_hdr || s->ret != -SR_EINVAL || s->len < s->vnet_hdr)
		return;
	begin = message_begin(msg, s->len);
	if (begin && !bpf_probe_read_user(&s->vnet, sizeof(s->vnet), begin))
		s->flags |= SR_SEND_VNET;
}

#endif
