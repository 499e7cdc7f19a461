// The options of a packet socket, whose places differ between kernels: since 6.4 (and in 6.1.y) most are bits of po->flags,
// before that bit fields of their own.
#ifndef SOCKRAY_BPF_PACKET_SOCK_H
#define SOCKRAY_BPF_PACKET_SOCK_H

#include <linux/bpf.h>

#include "../vmlinux/kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

// A bit of po->flags by its name, whose number differs between kernels; false where the kernel has no such bit.
#define SOCK_FLAG(po, name)                                                                     \
	(bpf_core_enum_value_exists(enum packet_sock_flags, PACKET_SOCK_##name) &&              \
	 (BPF_CORE_READ((struct packet_sock___flags *)(po), flags) >>                           \
		  bpf_core_enum_value(enum packet_sock_flags, PACKET_SOCK_##name) & 1))

// Bytes of the virtio-net header that the socket expects before each frame.
static __always_inline __u32 vnet_header(void *po)
{
	struct packet_sock___vnet_size *size = po;
	struct packet_sock___bits *bits = po;
	struct packet_sock___flags *flags = po;
	bool has;

	if (bpf_core_field_exists(size->vnet_hdr_sz))
		return BPF_CORE_READ(size, vnet_hdr_sz);
	if (bpf_core_field_exists(bits->has_vnet_hdr))
		has = BPF_CORE_READ_BITFIELD_PROBED(bits, has_vnet_hdr);
	else
		has = bpf_core_field_exists(flags->flags) && SOCK_FLAG(po, HAS_VNET_HDR);
	return has ? 10 : 0; // sizeof(struct virtio_net_hdr), the only size before 6.4
}

// PACKET_TX_HAS_OFF: frames of a TX ring stand where each says, and not right behind its header.
static __always_inline bool has_own_offset(void *po)
{
	struct packet_sock___flags *flags = po;
	struct packet_sock___bits *bits = po;

	if (bpf_core_field_exists(flags->flags))
		return SOCK_FLAG(po, TX_HAS_OFF);
	return bpf_core_field_exists(bits->tp_tx_has_off) && BPF_CORE_READ_BITFIELD_PROBED(bits, tp_tx_has_off);
}

// PACKET_LOSS: tpacket_snd passes over frames that are malformed.
static __always_inline bool passes_over(void *po)
{
	struct packet_sock___flags *flags = po;
	struct packet_sock___bits *bits = po;

	if (bpf_core_field_exists(flags->flags))
		return SOCK_FLAG(po, TP_LOSS);
	return bpf_core_field_exists(bits->tp_loss) && BPF_CORE_READ_BITFIELD_PROBED(bits, tp_loss);
}

// Another call is at the socket's TX ring, and moves its head on.
static __always_inline bool ring_is_busy(void *po)
{
	struct packet_sock___plain_lock *plain = po;
	struct packet_sock___rt_lock *rt = po;

	if (bpf_core_field_exists(plain->pg_vec_lock.owner))
		return BPF_CORE_READ(plain, pg_vec_lock.owner.counter) != 0;
	return !bpf_core_field_exists(rt->pg_vec_lock.rtmutex.owner) || BPF_CORE_READ(rt, pg_vec_lock.rtmutex.owner);
}

#endif
