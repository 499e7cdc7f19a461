// packet_sendmsg and packet_sendmsg_spkt: where a send's record begins, and what explains it when it fails.
#ifndef SOCKRAY_BPF_SEND_H
#define SOCKRAY_BPF_SEND_H

#include "device.bpf.h"
#include "packet_sock.bpf.h"
#include "record.bpf.h"
#include "ring.bpf.h"
#include "vnet.bpf.h"

#define SR_ENOBUFS 105
#define SR_ETIMEDOUT 110
#define SR_NET_XMIT_CN 2 // include/linux/netdevice.h: the queue took the frame, and is congested
#define PF_IO_WORKER 0x10 // include/linux/sched.h
#define SR_IO_URING_ENTER 426 // the same on all architectures
#define SR_ERESTARTSYS 512 // include/linux/errno.h

static __always_inline __s32 current_syscall(void)
{
	struct pt_regs___syscallno *by_number;
	struct pt_regs___orig_ax *by_ax;
	struct task_struct *task;

	if (config.no_types) // the helper takes a task by its type
		return -1;
	task = (void *)bpf_get_current_task_btf();
	// A thread of io_uring makes no system call: its saved registers are those of who began it, or zeros (arm64).
	if (task->flags & PF_IO_WORKER)
		return SR_IO_URING_ENTER;
	by_number = (void *)bpf_task_pt_regs((void *)task);
	by_ax = (void *)by_number;
	if (bpf_core_field_exists(by_ax->orig_ax))
		return by_ax->orig_ax;
	if (bpf_core_field_exists(by_number->syscallno))
		return by_number->syscallno;
	return -1;
}

// The interface that the caller named, by the rules of packet_snd: the address if there is one, else the binding.
static __always_inline void destination(struct sr_send *s, struct packet_sock *po, struct msghdr *msg, __u32 stage,
					bool typed)
{
	void *name = FETCH(typed, msg, msg_name);

	s->msg_namelen = FETCH(typed, msg, msg_namelen);
	if (!name) {
		s->ifindex = BPF_CORE_READ(po, ifindex);
		return;
	}
	s->flags |= SR_SEND_ADDRESS;
	if (stage == SR_STAGE_PACKET_SENDMSG_SPKT) // struct sockaddr_pkt: the name, 14 bytes, at offset 2
		bpf_probe_read_kernel(s->ifname, 14, name + 2);
	else // struct sockaddr_ll: sll_ifindex at offset 4
		bpf_probe_read_kernel(&s->ifindex, sizeof(s->ifindex), name + 4);
}

static __always_inline bool interface_wanted(const struct sr_send *s)
{
	if (config.filter_netns && s->netns_ino != config.filter_netns)
		return false;
	if (!config.filter_ifindex)
		return true;
	if (s->ifindex)
		return s->ifindex == config.filter_ifindex;
	return same_name(s->ifname, config.filter_ifname);
}

// What stays as it is while a socket lives.
struct sr_socket_facts {
	struct packet_sock *po;
	__u64 ino;
	__u64 sendmsg_fn;
	__u32 netns_ino;
	__u16 sock_type;
};

// Read once by a task that sends through one socket again and again: the record of its last send still has them. The inode's
// number tells the socket from another one at the same address; one that has none is always read.
static __always_inline struct sr_socket_facts socket_facts(const struct sr_task *t, struct socket *sock, bool typed)
{
	const struct sr_send *last = &t->send;
	struct sock *sk = FETCH(typed, sock, sk);
	struct sr_socket_facts facts = {
		.po = (struct packet_sock *)sk,
		.ino = typed && sock->file ? sock->file->f_inode->i_ino : socket_inode(sock),
		.sendmsg_fn = last->sendmsg_fn,
		.netns_ino = last->netns_ino,
		.sock_type = last->sock_type,
	};

	if (!facts.ino || facts.ino != last->socket_ino || (__u64)sk != t->sock) {
		const struct proto_ops *ops = FETCH(typed, sock, ops);
		struct net *net = FETCH(typed, sk, __sk_common.skc_net.net);

		facts.sendmsg_fn = (__u64)FETCH(typed, ops, sendmsg);
		facts.netns_ino = FETCH(typed, net, ns.inum);
		facts.sock_type = FETCH(typed, sock, type);
	}
	return facts;
}

static __always_inline void check_stack(void *ctx)
{
	struct sr_stack stack = {};

	head_fill(&stack.head, SR_RECORD_STACK, sizeof(stack), 0);
	bpf_get_stack(ctx, stack.address, sizeof(stack.address), 0);
	RING_PUT(&stack);
}

// `typed`: so are `sock` and `msg`.
static __always_inline int on_packet_sendmsg_enter(void *ctx, __u32 stage, struct socket *sock,
						   struct msghdr *msg, __u64 len, bool typed)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_socket_facts facts;
	struct packet_sock *po;
	struct sr_task *t;
	struct sr_send *s;
	bool check = false;
	__u64 id;

	if (mode != SR_MODE_ARMED) {
		check = mode == SR_MODE_OFF && is_check();
		if (!check) {
			// Its return may come when tracing is armed: it must not look like one without an entry.
			t = mode == SR_MODE_OFF ? task_make() : task_find();
			if (t) {
				send_flush(t);
				t->state = SR_IGNORED;
			}
			return 0;
		}
		if (check_stacks)
			check_stack(ctx);
	}
	t = task_find();
	if (!check && !task_wanted())
		return 0;
	if (!t)
		t = task_make();
	if (!t) {
		COUNT(sends_no_storage);
		return 0;
	}
	send_flush(t);

	s = &t->send;
	facts = socket_facts(t, sock, typed);
	__builtin_memset(s, 0, sizeof(*s));
	s->socket_ino = facts.ino;
	s->netns_ino = facts.netns_ino;
	s->sendmsg_fn = facts.sendmsg_fn;
	s->sock_type = facts.sock_type;
	po = facts.po;
	destination(s, po, msg, stage, typed);
	if (!check && !interface_wanted(s)) {
		t->state = SR_IGNORED;
		return 0;
	}
	send_begin(t);
	t->state = SR_OPEN;
	t->sock = (__u64)po;
	t->msg = (__u64)msg;
	t->ring_alloc = 0;
	// What has returned by now belongs to an earlier send of the same sendmmsg: for a repeated address the kernel goes
	// past __sock_sendmsg (net/socket.c: ____sys_sendmsg). The entry and the look-up are those of all its sends.
	for (int slot = 0; slot < SR_SLOT_OUTER; slot++)
		if (slot == SR_SLOT_ENTRY || slot == SR_SLOT_LOOKUP || t->open_slots & (1 << slot))
			s->span[slot] = t->outer[slot];
	s->stage[SR_SLOT_ENTRY] = t->entered;
	s->stage[SR_SLOT_LOOKUP] = s->span[SR_SLOT_LOOKUP].start ? SR_STAGE_SOCKFD_LOOKUP : 0;
	s->stage[SR_SLOT_SOCK] = s->span[SR_SLOT_SOCK].start ? SR_STAGE_SOCK_SENDMSG : 0;
	s->stage[SR_SLOT_INNER] = s->span[SR_SLOT_INNER].start ? SR_STAGE_SOCK_SENDMSG_INNER : 0;
	s->stage[SR_SLOT_SENDMSG] = stage;
	s->span[SR_SLOT_SENDMSG].start = now;

	id = bpf_get_current_pid_tgid();
	s->pid = id >> 32;
	s->tid = id;
	bpf_get_current_comm(s->comm, sizeof(s->comm));
	s->syscall = current_syscall();
	s->protocol = BPF_CORE_READ(po, num);
	s->msg_flags = FETCH(typed, msg, msg_flags);
	s->len = len;
	// The kernel's own test between packet_snd and tpacket_snd, net/packet/af_packet.c: packet_sendmsg
	if (stage == SR_STAGE_PACKET_SENDMSG && BPF_CORE_READ(po, tx_ring.pg_vec)) {
		s->flags |= SR_SEND_TX_RING;
		ring_begin(t, po);
	} else {
		t->ring_losing = 0;
	}
	return 0;
}

// The queue that keeps, or did not take, the frame.
static __always_inline void queue_explain(struct sr_send *s, struct net_device *dev)
{
	struct netdev_queue *queues, *queue = NULL;
	char kind[SR_QDISC_LEN] = {};

	if (!dev)
		return;
	BPF_CORE_READ_INTO(&s->qdisc, dev, qdisc, ops, id);
	s->qdisc_len = BPF_CORE_READ(dev, qdisc, q.qlen);
	queues = (void *)BPF_CORE_READ(dev, _tx);
	if (s->tx_queue)
		queue = (void *)queues + (s->tx_queue - 1) * bpf_core_type_size(struct netdev_queue);
	else if (BPF_CORE_READ(dev, real_num_tx_queues) == 1)
		queue = queues;
	if (!queue) // which one it was is not known
		return;
	s->queue_state = BPF_CORE_READ(queue, state);
	// A device without a carrier keeps its root qdisc's name, and has this one at work (net/sched/sch_generic.c:
	// dev_deactivate).
	BPF_CORE_READ_INTO(&kind, queue, qdisc, ops, id);
	if (same_name(kind, "noop\0"))
		__builtin_memcpy(s->qdisc, "noop", 5);
}

// What packet_snd tests before it calls anything that can be hooked. Only failed sends come here.
static __noinline void send_explain(struct sr_task *t)
{
	struct sr_send *s = &t->send;
	struct packet_sock *po = (void *)t->sock;
	struct msghdr *msg = (void *)t->msg;
	struct net_device *dev = (void *)t->dev;
	struct net *net = BPF_CORE_READ(po, sk.__sk_common.skc_net.net);
	bool by_name = s->stage[SR_SLOT_SENDMSG] == SR_STAGE_PACKET_SENDMSG_SPKT;

	s->flags |= SR_SEND_EXPLAINED;
	s->sndbuf = BPF_CORE_READ(po, sk.sk_sndbuf);
	s->wmem_alloc = BPF_CORE_READ(po, sk.sk_wmem_alloc.refs.counter);
	s->bound_ifindex = BPF_CORE_READ(po, ifindex);
	s->vnet_hdr = vnet_header(po);
	s->msg_controllen = BPF_CORE_READ(msg, msg_controllen);
	if (!by_name)
		vnet_explain(s, po, msg);
	if ((s->flags & SR_SEND_ADDRESS) && !by_name) // struct sockaddr_ll: sll_halen at offset 11
		bpf_probe_read_kernel(&s->sll_halen, 1, (void *)BPF_CORE_READ(msg, msg_name) + 11);
	if (s->flags & SR_SEND_PASSED_ON) // the device that the caller named, and not the one that the frame came to
		dev = NULL;
	if (!dev && by_name && s->ifname[0])
		dev = device_by_name(net, s->ifname);
	else if (!dev && s->ifindex > 0)
		dev = device_by_index(net, s->ifindex);
	if (!dev)
		return;
	s->flags |= SR_SEND_DEVICE;
	BPF_CORE_READ_INTO(&s->ifname, dev, name);
	s->mtu = BPF_CORE_READ(dev, mtu);
	s->dev_flags = BPF_CORE_READ(dev, flags);
	s->hard_header_len = BPF_CORE_READ(dev, hard_header_len);
	s->dev_type = BPF_CORE_READ(dev, type);
	s->addr_len = BPF_CORE_READ(dev, addr_len);
	queue_explain(s, dev);
}

// The end of tpacket_snd: `ret` is the bytes of all frames, or the error at which it stopped. An error is that of the
// open frame if this one was not handed on, or if __dev_queue_xmit refused it; else of a further one, for which nothing
// was allocated. True where there is no more to record.
static __always_inline bool ring_return(struct sr_task *t, int ret, __u64 now)
{
	struct sr_send *s = &t->send;
	bool handed_on = s->span[SR_SLOT_XMIT].start;
	bool refused = s->xmit_ret ? s->xmit_ret != SR_NET_XMIT_CN
				   // packet_direct_xmit tells a frame that netfilter passed on as dropped
				   : (s->flags & SR_SEND_PASSED_ON && ret == -SR_ENOBUFS);
	bool nothing = !s->alloc_hits && !s->ring_frame;
	// A wait for the frames' ends that a signal or SO_SNDTIMEO cut short says nothing of any frame.
	bool cut_short = ret == -SR_ETIMEDOUT || ret == -SR_ERESTARTSYS;
	bool failed = ret < 0 && !cut_short;
	// The head stays at a frame that was refused (tpacket_snd: out_status). Netfilter at the egress refuses it before
	// __dev_direct_xmit has it (packet_direct_xmit: nf_hook_direct_egress), and the skb's end looks like that of a frame which
	// was passed over then: the head, still at the open frame, tells.
	bool freed = s->flags & SR_SEND_DROP && t->ring_losing && !(failed && ring_stays(t));
	bool gone = handed_on ? !failed || !refused : !s->alloc_hits || freed;
	__u32 wait_cut = 0, passed = gone ? ring_passed(t) : 0;
	struct packet_sock *po = (void *)t->sock;

	// All of the ring passed over: the head is where it was.
	if (nothing && !passed && t->ring_losing && t->ring_ready && ret == 0)
		passed = BPF_CORE_READ(po, tx_ring.frame_max) + 1;

	if (nothing && !passed) { // no frame at all
		if (ret == 0 && mode != SR_MODE_OFF) {
			COUNT(ring_idle);
			t->state = SR_IDLE;
			return true;
		}
		s->ret = ret;
		return false;
	}
	if (cut_short) {
		wait_cut = ret == -SR_ETIMEDOUT ? SR_SEND_WAIT_TIMED_OUT : SR_SEND_WAIT_SIGNAL;
		ret = 0;
	}
	if (passed) {
		if (s->alloc_hits)
			ring_next_frame(t, now);
		// The last record is that of the frame which the error is of, or else the last one that was passed over.
		ring_pass_over(ret < 0 ? passed : passed - 1, now);
		s->ret = ret < 0 ? ret : 0;
		if (ret >= 0)
			s->flags |= SR_SEND_SKIPPED;
	} else if (ret < 0 && gone && (handed_on || s->alloc_hits)) { // the open frame is not the one that the error is of
		ring_next_frame(t, now);
		s->ret = ret;
	} else if (handed_on) {
		s->ret = ret < 0 ? ret : (__s64)s->len;
	} else {
		s->ret = ret < 0 ? ret : 0;
		if (ret >= 0 && s->flags & SR_SEND_DROP)
			s->flags |= SR_SEND_SKIPPED;
	}
	s->flags |= wait_cut;
	if (s->ring_frame)
		ring_around_forget(s);
	return false;
}

static __always_inline int on_packet_sendmsg_exit(long ret)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = task_find();
	struct sr_send *s;

	if (!t || t->state != SR_OPEN) {
		if (t && t->state == SR_IGNORED)
			task_leave(t); // the seats are for those that are traced
		else if (mode == SR_MODE_ARMED && task_wanted())
			COUNT(sends_unopened);
		return 0;
	}
	s = &t->send;
	if (s->flags & SR_SEND_TX_RING) {
		if (ring_return(t, (int)ret, now))
			return 0;
	} else {
		s->ret = (int)ret;
	}
	s->span[SR_SLOT_SENDMSG].end = now;
	s->flags |= SR_SEND_RETURNED;
	if (s->ret < 0 && !is_filtered(t))
		send_explain(t);
	else if ((!s->driver_hits || s->drops) && !is_filtered(t))
		queue_explain(s, (void *)t->dev);
	t->state = SR_RETURNED;
	if (!t->open_slots)
		send_emit(t);
	return 0;
}

#endif
