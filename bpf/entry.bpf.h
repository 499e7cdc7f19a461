// How a send comes in: the functions around packet_sendmsg. The entry function (__sys_sendto and its like, or
// sock_write_iter), sockfd_lookup_light, sock_sendmsg, __sock_sendmsg.
#ifndef SOCKRAY_BPF_ENTRY_H
#define SOCKRAY_BPF_ENTRY_H

#include "record.bpf.h"

static __always_inline bool is_packet_socket(struct socket *sock)
{
	__u64 ops = (__u64)READ(sock, ops);

	return ops && (ops == config.packet_ops || ops == config.packet_ops_spkt);
}

static __always_inline bool is_packet_fd(int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds))
		return false;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file && is_packet_socket(BPF_CORE_READ(file, private_data));
}

static __always_inline void entry_begin(struct sr_task *t, __u32 stage)
{
	send_flush(t);
	t->open_slots = 1 << SR_SLOT_ENTRY;
	t->entered = stage;
	t->outer[SR_SLOT_LOOKUP].start = t->outer[SR_SLOT_LOOKUP].end = 0;
	t->outer[SR_SLOT_ENTRY].end = 0;
	t->outer[SR_SLOT_ENTRY].start = bpf_ktime_get_ns();
}

// __sys_sendto, __sys_sendmsg, __sys_sendmmsg: every socket of the system passes here. A task that never sent through
// a packet socket has no frame and leaves after one look-up and a look at its descriptor.
static __always_inline int on_syscall_enter(__u32 stage, int fd)
{
	struct sr_task *t;

	if (!tracing())
		return 0;
	t = task_find();
	if (!task_wanted())
		return 0;
	if (!t) {
		if (!is_packet_fd(fd))
			return 0;
		t = task_make();
		if (!t)
			return 0;
	}
	entry_begin(t, stage);
	return 0;
}

static __always_inline int on_write_enter(struct kiocb *iocb)
{
	struct file *file;
	struct sr_task *t;

	if (!tracing())
		return 0;
	t = task_find();
	if (!task_wanted())
		return 0;
	file = READ(iocb, ki_filp);
	if (!is_packet_socket(READ(file, private_data))) {
		if (t)
			t->entered = 0; // stale, where a return was skipped
		return 0;
	}
	if (!t)
		t = task_make();
	if (t)
		entry_begin(t, SR_STAGE_SOCK_WRITE_ITER);
	return 0;
}

// sock_sendmsg, __sock_sendmsg. A send of io_uring comes here first, by none of the functions above.
static __always_inline int on_sock_enter(__u32 stage, struct socket *sock)
{
	__u32 slot = stage == SR_STAGE_SOCK_SENDMSG ? SR_SLOT_SOCK : SR_SLOT_INNER;
	struct sr_task *t = task_find();

	if (!t && tracing() && is_packet_socket(sock) && task_wanted())
		t = task_make();
	if (!t || t->state == SR_OPEN)
		return 0;
	send_flush(t);
	t->open_slots |= 1 << slot;
	t->outer[slot].start = bpf_ktime_get_ns();
	t->outer[slot].end = 0;
	return 0;
}

static __always_inline void outer_exit(struct sr_task *t, __u32 slot, __u64 now)
{
	if (!t || !(t->open_slots & (1 << slot)))
		return;
	t->open_slots &= ~(1 << slot);
	t->outer[slot].end = now;
	if (t->state != SR_RETURNED)
		return;
	if (SPAN(&t->send, slot).start)
		SPAN(&t->send, slot).end = now;
	if (!t->open_slots)
		send_emit(t);
}

static __always_inline int on_entry_exit(void)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = task_find();

	if (!t || !t->entered)
		return 0;
	t->entered = 0;
	t->open_slots = 0; // what is inside has returned, seen or not
	if (t->state == SR_RETURNED && SPAN(&t->send, SR_SLOT_ENTRY).start)
		SPAN(&t->send, SR_SLOT_ENTRY).end = now;
	if (t->state == SR_RETURNED || t->state == SR_OPEN) // or the return of packet_sendmsg was skipped
		send_emit_here(t);
	else if (t->state == SR_IGNORED)
		task_leave(t);
	return 0;
}

static __always_inline int on_lookup_enter(void)
{
	struct sr_task *t = task_find();

	if (t && t->entered && t->state != SR_OPEN)
		t->outer[SR_SLOT_LOOKUP].start = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int on_lookup_exit(void)
{
	struct sr_task *t = task_find();

	if (t && t->entered && t->state != SR_OPEN)
		t->outer[SR_SLOT_LOOKUP].end = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int on_sock_exit(__u32 stage)
{
	__u64 now = bpf_ktime_get_ns();

	outer_exit(task_find(), stage == SR_STAGE_SOCK_SENDMSG ? SR_SLOT_SOCK : SR_SLOT_INNER, now);
	return 0;
}

#endif
