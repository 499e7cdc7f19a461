// packet_sendmsg and packet_sendmsg_spkt: where a send's record begins, and what its return tells.
#ifndef SOCKRAY_BPF_SEND_H
#define SOCKRAY_BPF_SEND_H

#include "explain.bpf.h"
#include "packet_sock.bpf.h"
#include "record.bpf.h"
#include "ring.bpf.h"

#define SR_ENOBUFS 105
#define SR_ETIMEDOUT 110
#define SR_NET_XMIT_CN 2 // include/linux/netdevice.h: the queue took the frame, and is congested
#define PF_IO_WORKER 0x10 // include/linux/sched.h
#define SR_IO_URING_ENTER 426 // the same on all architectures

static __always_inline __s32 current_syscall(struct task_struct *task)
{
	struct pt_regs___syscallno *by_number;
	struct pt_regs___orig_ax *by_ax;

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

static __always_inline void sender(struct sr_send *s)
{
	struct task_struct *task;

	if (config.no_types) {
		__u64 id = bpf_get_current_pid_tgid();

		s->pid = id >> 32;
		s->tid = id;
		bpf_get_current_comm(s->comm, sizeof(s->comm));
		s->syscall = -1; // the helper for it takes a task by its type
		return;
	}
	task = (void *)bpf_get_current_task_btf();
	s->pid = task->tgid;
	s->tid = task->pid;
	LOAD_NAME(s->comm, task->comm);
	s->syscall = current_syscall(task);
}

// The interface that the caller named, by the rules of packet_snd: the address if there is one, else the binding.
static __always_inline void destination(struct sr_send *s, struct packet_sock *po, struct msghdr *msg, __u32 stage,
					bool typed)
{
	void *name = FETCH(typed, msg, msg_name);

	s->msg_namelen = FETCH(typed, msg, msg_namelen);
	if (!name) {
		s->ifindex = READ(po, ifindex);
		return;
	}
	s->flags = SR_SEND_ADDRESS;
	// Behind the end of a short address stands what an earlier call left on the stack (net/socket.c: __sys_sendto).
	if (stage == SR_STAGE_PACKET_SENDMSG_SPKT) { // struct sockaddr_pkt: the name, 14 bytes, at offset 2
		s->ifindex = 0;
		if (s->msg_namelen >= 2 + 14)
			bpf_probe_read_kernel(s->ifname, 14, name + 2);
	} else { // struct sockaddr_ll: the index, 4 bytes, at offset 4
		s->ifindex = s->msg_namelen < 4 + 4 ? 0 : READ((struct sockaddr_ll *)name, sll_ifindex);
	}
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

// What stays as it is while a socket lives is read once by a task that sends through one again and again: the record of its last
// send still has it. The inode's number tells the socket from another one at the same address; one that has none is always read.
static __always_inline void socket_facts(struct sr_task *t, struct socket *sock, bool typed)
{
	struct sr_send *s = &t->send;
	__u64 ino = typed && !config.casts && sock->file ? sock->file->f_inode->i_ino : socket_inode(sock);
	struct proto_ops *ops;
	struct sock *sk;
	struct net *net;

	if (ino && ino == s->socket_ino && (__u64)sock == t->socket_at)
		return;
	sk = FETCH(typed, sock, sk);
	ops = (void *)FETCH(typed, sock, ops);
	net = FETCH(typed, sk, __sk_common.skc_net.net);
	t->sock = (__u64)sk;
	t->socket_at = (__u64)sock;
	s->socket_ino = ino;
	s->sendmsg_fn = (__u64)FETCH(typed, ops, sendmsg);
	s->netns_ino = FETCH(typed, net, ns.inum);
	s->sock_type = FETCH(typed, sock, type);
}

static __always_inline void check_stack(void *ctx)
{
	struct sr_stack stack = {};

	head_fill(&stack.head, SR_RECORD_STACK, sizeof(stack), 0);
	bpf_get_stack(ctx, stack.address, sizeof(stack.address), 0);
	RING_PUT(&stack);
}

static __always_inline void outer_stage(struct sr_task *t, __u32 slot, __u32 stage)
{
	t->send.stage[slot] = stage;
	*span_of(t, slot) = t->outer[slot];
}

// A send that nobody asked for.
static __always_inline void send_ignore(struct sr_task *t)
{
	send_flush(t);
	ring_end(t);
	t->state = SR_IGNORED;
}

// `typed`: so are `sock` and `msg`.
static __always_inline int on_packet_sendmsg_enter(void *ctx, __u32 stage, struct socket *sock,
						   struct msghdr *msg, __u64 len, bool typed)
{
	__u64 now = bpf_ktime_get_ns();
	struct packet_sock *po;
	struct sr_task *t;
	struct sr_send *s;
	bool check = false;

	if (mode != SR_MODE_ARMED) {
		check = mode == SR_MODE_OFF && is_check();
		if (!check) {
			// Its return may come when tracing is armed: it must not look like one without an entry.
			t = mode == SR_MODE_OFF ? task_make() : task_find();
			if (t)
				send_ignore(t);
			return 0;
		}
		if (check_stacks)
			check_stack(ctx);
	}
	t = task_find();
	if (!check && !task_wanted()) {
		if (t)
			send_ignore(t);
		return 0;
	}
	if (!t)
		t = task_make();
	if (!t) {
		COUNT(sends_no_storage);
		return 0;
	}
	send_flush(t);

	s = &t->send;
	socket_facts(t, sock, typed);
	po = (struct packet_sock *)t->sock;
	send_clear(t);
	destination(s, po, msg, stage, typed);
	if (!check && !interface_wanted(s)) {
		send_ignore(t);
		return 0;
	}
	send_begin(t);
	t->state = SR_OPEN;
	t->msg = (__u64)msg;
	t->ring_alloc = 0;
	// What has returned by now belongs to an earlier send of the same sendmmsg: for a repeated address the kernel goes
	// past __sock_sendmsg (net/socket.c: ____sys_sendmsg). The entry and the look-up are those of all its sends.
	if (t->entered) {
		s->stage[SR_SLOT_ENTRY] = t->entered;
		SPAN(s, SR_SLOT_ENTRY) = t->outer[SR_SLOT_ENTRY];
		if (t->outer[SR_SLOT_LOOKUP].start)
			outer_stage(t, SR_SLOT_LOOKUP, SR_STAGE_SOCKFD_LOOKUP);
	}
	if (t->open_slots & (1 << SR_SLOT_SOCK))
		outer_stage(t, SR_SLOT_SOCK, SR_STAGE_SOCK_SENDMSG);
	if (t->open_slots & (1 << SR_SLOT_INNER))
		outer_stage(t, SR_SLOT_INNER, SR_STAGE_SOCK_SENDMSG_INNER);
	s->stage[SR_SLOT_SENDMSG] = stage;
	SPAN(s, SR_SLOT_SENDMSG).start = now;
	sender(s);
	s->protocol = READ(po, num);
	s->msg_flags = FETCH(typed, msg, msg_flags);
	s->len = len;
	// The kernel's own test between packet_snd and tpacket_snd, net/packet/af_packet.c: packet_sendmsg
	if (stage == SR_STAGE_PACKET_SENDMSG && READ(po, tx_ring.pg_vec)) {
		s->flags |= SR_SEND_TX_RING;
		ring_begin(t, po);
	} else {
		ring_end(t);
	}
	return 0;
}

// The ends of tpacket_snd (net/packet/af_packet.c), and where they leave the frame that the call had last:
//
//   returns                  because                                        that frame
//   an errno                 no ring, no device, a bad address or cmsg      none was looked at
//   the bytes so far, or 0   no further frame is to be sent                 is sent, or was passed over (PACKET_LOSS)
//   ETIMEDOUT, ERESTARTSYS   the same, and the wait for the frames' ends    is sent, or was passed over, or there was
//                            was cut short                                  none: only earlier ones were waited for
//   the errno, if 0 so far   a further one got no memory                    stays in the ring
//   an errno                 a further one is malformed, and no PACKET_LOSS stays, allocated or not
//   an errno                 packet_xmit refused it: __dev_queue_xmit or    stays
//                            __dev_direct_xmit, or netfilter before that
//
// So an error is that of the open record's frame if this one was not handed on, or was refused; else that of a further one,
// for which nothing was allocated. True where there is no more to record.
SR_ALONE ring_return(struct sr_task *t, int ret, __u64 now)
{
	struct sr_send *s;

	if (!t)
		return false;
	s = &t->send;
	bool handed_on = SPAN(s, SR_SLOT_XMIT).start;
	bool refused = s->xmit_ret ? s->xmit_ret != SR_NET_XMIT_CN
				   // packet_direct_xmit tells a frame that netfilter passed on as dropped
				   : (s->flags & SR_SEND_PASSED_ON && ret == -SR_ENOBUFS);
	bool taken = s->alloc_hits || handed_on; // the open record is a frame's
	// A signal while the frame was allocated is that frame's end.
	bool allocating = SPAN(s, SR_SLOT_ALLOC).start && !taken;
	bool cut_short = (ret == -SR_ETIMEDOUT || ret == -SR_ERESTARTSYS) && !allocating;
	bool failed = ret < 0 && !cut_short;
	// Passed over behind its allocation (tpacket_error): the head is not at it any more, as it is where netfilter at the
	// egress refused it before __dev_direct_xmit had it (packet_direct_xmit: nf_hook_direct_egress). The skb is freed by both.
	// Where another call may have moved it, the result tells.
	struct packet_sock *po = (void *)t->sock;
	bool alone = t->ring_losing && ring_look(t);
	bool stays = alone ? ring_stays(t, failed) : failed;
	bool freed = s->flags & SR_SEND_DROP && t->ring_losing && !handed_on && !stays;
	bool done = handed_on ? !(failed && refused) : freed; // with its frame, if it is one's
	__u32 passed = done || !taken ? ring_passed(t, alone) : 0; // behind it

	// All of the ring passed over: the head is where it was.
	if (!taken && !s->ring_frame && !passed && !failed && t->ring_losing && t->ring_ready) {
		passed = alone ? BPF_CORE_READ(po, tx_ring.frame_max) + 1 : 0;
		t->ring_overlapped = !alone;
	}
	if (!taken && !s->ring_frame && !passed && ret <= 0 && !failed && mode != SR_MODE_OFF) { // no frame at all
		COUNT(ring_idle);
		if (ret == -SR_ETIMEDOUT)
			COUNT(ring_idle_timed_out);
		else if (ret)
			COUNT(ring_idle_interrupted);
		t->state = SR_IDLE;
		return true;
	}
	if (done && (passed || failed)) { // there is one behind it
		ring_next_frame(t, now);
		taken = false;
	}
	// The last record is that of the frame which the error is of, or else the last one that was passed over.
	ring_pass_over(passed && !failed ? passed - 1 : passed, now);
	if (failed)
		s->ret = ret;
	else if (taken && handed_on)
		s->ret = s->len;
	else if (passed || freed)
		s->flags |= SR_SEND_SKIPPED;
	if (cut_short)
		s->flags |= ret == -SR_ETIMEDOUT ? SR_SEND_WAIT_TIMED_OUT : SR_SEND_WAIT_SIGNAL;
	if (cut_short && is_killed(ret))
		s->flags |= SR_SEND_KILLED;
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
		if (t && t->state == SR_IGNORED) {
			// The seats are for those that are traced. What comes next in a sendmmsg may be asked for.
			if (!t->entered)
				task_leave(t);
		} else if (mode == SR_MODE_ARMED && task_wanted())
			COUNT(sends_unopened);
		return 0;
	}
	s = &t->send;
	if (s->flags & SR_SEND_TX_RING) {
		bool no_send = ring_return(t, (int)ret, now);

		if (!no_send)
			ring_count_unseen(t, s->ring_frame + (s->ret >= 0));
		ring_end(t);
		if (no_send)
			return 0;
	} else {
		s->ret = (int)ret;
	}
	SPAN(s, SR_SLOT_SENDMSG).end = now;
	s->flags |= SR_SEND_RETURNED;
	if (s->ret < 0 && !is_filtered(t))
		send_explain(t);
	else if (!s->driver_hits || s->drops)
		frame_queue_explain(t);
	t->state = SR_RETURNED;
	if (!t->open_slots)
		send_emit(t);
	return 0;
}

#endif
