// Every packet socket that a process holds: an iterator over all open files of all tasks, which writes one record
// (struct sr_socket_entry) for each descriptor that leads to a packet socket. Nothing is attached, and the sockets are
// only read: the counters that getsockopt(PACKET_STATISTICS) resets stay as they are.
//
// The file is held while the program looks at it, so the socket is there; what the socket points to (device, fanout
// group, memberships) may go at any moment, and is read by probes that cannot fault.
#include "packet_sock.bpf.h"
#include "socket_entry.h"

// Set before the program is loaded: addresses by kallsyms, and bytes of a page.
const volatile __u64 packet_ops = 0;
const volatile __u64 packet_ops_spkt = 0;
const volatile __u32 page_size = 4096;

#define MEMBERSHIPS_WALKED 128

#define FLAG_IF(bit, condition) ((condition) ? (bit) : 0)

static __always_inline __u32 option_flags(struct packet_sock *po)
{
	struct packet_sock___flags *flags = (void *)po;
	struct packet_sock___bits *bits = (void *)po;

	if (bpf_core_field_exists(flags->flags))
		return FLAG_IF(SR_PACKET_RUNNING, SOCK_FLAG(po, RUNNING)) |
		       FLAG_IF(SR_PACKET_ORIGDEV, SOCK_FLAG(po, ORIGDEV)) |
		       FLAG_IF(SR_PACKET_AUXDATA, SOCK_FLAG(po, AUXDATA)) |
		       FLAG_IF(SR_PACKET_TX_HAS_OFF, SOCK_FLAG(po, TX_HAS_OFF)) |
		       FLAG_IF(SR_PACKET_LOSS, SOCK_FLAG(po, TP_LOSS)) |
		       FLAG_IF(SR_PACKET_QDISC_BYPASS, SOCK_FLAG(po, QDISC_BYPASS));
	if (bpf_core_field_exists(bits->running))
		return FLAG_IF(SR_PACKET_RUNNING, BPF_CORE_READ_BITFIELD_PROBED(bits, running)) |
		       FLAG_IF(SR_PACKET_ORIGDEV, BPF_CORE_READ_BITFIELD_PROBED(bits, origdev)) |
		       FLAG_IF(SR_PACKET_AUXDATA, BPF_CORE_READ_BITFIELD_PROBED(bits, auxdata)) |
		       FLAG_IF(SR_PACKET_TX_HAS_OFF, BPF_CORE_READ_BITFIELD_PROBED(bits, tp_tx_has_off)) |
		       FLAG_IF(SR_PACKET_LOSS, BPF_CORE_READ_BITFIELD_PROBED(bits, tp_loss));
	return 0;
}

// Until 6.4 the way out was a pointer: dev_queue_xmit, or packet_direct_xmit with PACKET_QDISC_BYPASS.
static __always_inline __u64 xmit_function(struct packet_sock *po)
{
	struct packet_sock___xmit *with = (void *)po;

	return bpf_core_field_exists(with->xmit) ? (__u64)BPF_CORE_READ(with, xmit) : 0;
}

static __always_inline void read_ring(struct sr_socket_ring *to, struct packet_ring_buffer *ring)
{
	if (!BPF_CORE_READ(ring, pg_vec))
		return;
	to->block_nr = BPF_CORE_READ(ring, pg_vec_len);
	to->block_size = BPF_CORE_READ(ring, pg_vec_pages) * page_size;
	to->frame_nr = BPF_CORE_READ(ring, frame_max) + 1;
	to->frame_size = BPF_CORE_READ(ring, frame_size);
}

static __always_inline void read_fanout(struct sr_socket_entry *e, struct packet_sock *po)
{
	struct packet_fanout *group = BPF_CORE_READ(po, fanout);

	if (!group)
		return;
	e->flags |= SR_PACKET_FANOUT;
	e->fanout_id = BPF_CORE_READ(group, id);
	e->fanout_type = BPF_CORE_READ(group, type);
	e->fanout_flags = BPF_CORE_READ(group, flags);
	e->fanout_members = BPF_CORE_READ(group, sk_ref.refs.counter);
	e->fanout_running = BPF_CORE_READ(group, num_members);
}

static __always_inline void count_memberships(struct sr_socket_entry *e, struct packet_sock *po)
{
	struct packet_mclist *member = BPF_CORE_READ(po, mclist);

	for (int i = 0; i < MEMBERSHIPS_WALKED && member; i++) {
		__u32 type = BPF_CORE_READ(member, type);

		if (type < SR_PACKET_MR_COUNT)
			e->memberships[type] += BPF_CORE_READ(member, count);
		member = BPF_CORE_READ(member, next);
	}
	if (member)
		e->flags |= SR_PACKET_MORE_MEMBERS;
}

static __always_inline void read_socket(struct sr_socket_entry *e, struct packet_sock *po)
{
	struct net_device *dev = BPF_CORE_READ(po, prot_hook.dev);
	__u32 drops = BPF_CORE_READ(po, tp_drops.counter);

	e->sk = (__u64)po;
	e->xmit = xmit_function(po);
	e->uid = BPF_CORE_READ(po, sk.sk_uid.val);
	e->netns_ino = BPF_CORE_READ(po, sk.__sk_common.skc_net.net, ns.inum);
	e->protocol = BPF_CORE_READ(po, num);
	e->ifindex = BPF_CORE_READ(po, ifindex);
	if (dev)
		BPF_CORE_READ_STR_INTO(&e->ifname, dev, name);
	e->flags = option_flags(po) | FLAG_IF(SR_PACKET_FILTER, BPF_CORE_READ(po, sk.sk_filter)) |
		   FLAG_IF(SR_PACKET_IGNORE_OUTGOING, BPF_CORE_READ(po, prot_hook.ignore_outgoing));
	e->tp_version = BPF_CORE_READ(po, tp_version);
	read_ring(&e->rx_ring, &po->rx_ring);
	read_ring(&e->tx_ring, &po->tx_ring);
	if (bpf_core_field_exists(po->rx_ring.prb_bdqc.retire_blk_tov) && e->tp_version == TPACKET_V3 &&
	    e->rx_ring.block_nr)
		e->retire_blk_tov = BPF_CORE_READ(po, rx_ring.prb_bdqc.retire_blk_tov);
	read_fanout(e, po);
	count_memberships(e, po);
	e->vnet_hdr_sz = vnet_header(po);
	e->tp_tstamp = BPF_CORE_READ(po, tp_tstamp);
	e->tp_reserve = BPF_CORE_READ(po, tp_reserve);
	e->copy_thresh = BPF_CORE_READ(po, copy_thresh);
	e->sndbuf = BPF_CORE_READ(po, sk.sk_sndbuf);
	e->wmem_alloc = BPF_CORE_READ(po, sk.sk_wmem_alloc.refs.counter) - 1;
	e->rcvbuf = BPF_CORE_READ(po, sk.sk_rcvbuf);
	e->rmem_alloc = BPF_CORE_READ(po, sk.sk_backlog.rmem_alloc.counter);
	// packet_getsockopt(), PACKET_STATISTICS: dropped frames are counted apart, and are part of both.
	e->tp_packets = BPF_CORE_READ(po, stats.stats1.tp_packets) + drops;
	e->tp_drops = BPF_CORE_READ(po, stats.stats1.tp_drops) + drops;
	if (e->tp_version == TPACKET_V3)
		e->tp_freeze_q_cnt = BPF_CORE_READ(po, stats.stats3.tp_freeze_q_cnt);
	e->sk_drops = BPF_CORE_READ(po, sk.sk_drops.counter);
}

SEC("iter/task_file")
int list_sockets(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sr_socket_entry e;
	struct socket *sock;
	__u64 ops;

	if (!task || !file)
		return 0;
	sock = bpf_sock_from_file(file);
	if (!sock)
		return 0;
	ops = (__u64)BPF_CORE_READ(sock, ops);
	if (!ops || (ops != packet_ops && ops != packet_ops_spkt))
		return 0;

	__builtin_memset(&e, 0, sizeof(e));
	e.size = sizeof(e);
	e.ino = BPF_CORE_READ(file, f_inode, i_ino);
	e.pid = BPF_CORE_READ(task, tgid);
	e.fd = ctx->fd;
	BPF_CORE_READ_STR_INTO(&e.comm, task, group_leader, comm);
	e.sock_type = BPF_CORE_READ(sock, type);
	read_socket(&e, (struct packet_sock *)BPF_CORE_READ(sock, sk));
	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
