// How a send comes in: the functions around packet_sendmsg. The entry function (__sys_sendto and its like, or
// sock_write_iter), sockfd_lookup_light, sock_sendmsg, __sock_sendmsg.
//
// Which function a program is attached to comes with its attach cookie: the stage (SR_STAGE_*).
#ifndef SOCKRAY_BPF_ENTRY_H
#define SOCKRAY_BPF_ENTRY_H

#include "record.bpf.h"

static __always_inline bool is_packet_socket(struct socket *sock)
{
	__u64 ops = (__u64)BPF_CORE_READ(sock, ops);

	return ops && (ops == config.packet_ops || ops == config.packet_ops_spkt);
}

static __always_inline bool is_packet_fd(int fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
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
	__builtin_memset(t->outer, 0, sizeof(t->outer));
	t->open_slots = 1 << SR_SLOT_ENTRY;
	t->entered = stage;
	t->outer[SR_SLOT_ENTRY].start = bpf_ktime_get_ns();
}

// __sys_sendto, __sys_sendmsg, __sys_sendmmsg: every socket of the system passes here. A task that never sent through
// a packet socket has no frame and leaves after one look-up and a look at its descriptor.
SEC("?kprobe")
int BPF_KPROBE(syscall_enter, int fd)
{
	struct sr_task *t;

	if (!tracing())
		return 0;
	t = task_find();
	if (!task_wanted(t))
		return 0;
	if (!t) {
		if (!is_packet_fd(fd))
			return 0;
		t = task_make();
		if (!t)
			return 0;
	}
	entry_begin(t, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(write_enter, struct kiocb *iocb)
{
	struct sr_task *t;

	if (!tracing())
		return 0;
	t = task_find();
	if (!task_wanted(t))
		return 0;
	if (!is_packet_socket(BPF_CORE_READ(iocb, ki_filp, private_data))) {
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

static __always_inline void outer_enter(__u32 slot)
{
	struct sr_task *t = task_find();

	if (!t || t->state == SR_OPEN)
		return;
	send_flush(t);
	t->open_slots |= 1 << slot;
	t->outer[slot].start = bpf_ktime_get_ns();
	t->outer[slot].end = 0;
}

static __always_inline void outer_exit(__u32 slot)
{
	__u64 now = bpf_ktime_get_ns();
	struct sr_task *t = task_find();

	if (!t || !(t->open_slots & (1 << slot)))
		return;
	t->open_slots &= ~(1 << slot);
	t->outer[slot].end = now;
	if (t->state != SR_RETURNED)
		return;
	t->send.span[slot].end = now;
	if (!t->open_slots)
		send_emit(t);
}

SEC("?kretprobe")
int BPF_KRETPROBE(entry_exit)
{
	struct sr_task *t = task_find();

	if (!t || !t->entered)
		return 0;
	t->open_slots = 1 << SR_SLOT_ENTRY; // what is inside has returned, seen or not
	if (t->state == SR_OPEN)
		send_emit(t); // the return of packet_sendmsg was skipped
	outer_exit(SR_SLOT_ENTRY);
	t->entered = 0;
	__builtin_memset(t->outer, 0, sizeof(t->outer));
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(lookup_enter)
{
	struct sr_task *t = task_find();

	if (t && t->entered && t->state != SR_OPEN)
		t->outer[SR_SLOT_LOOKUP].start = bpf_ktime_get_ns();
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(lookup_exit)
{
	struct sr_task *t = task_find();

	if (t && t->entered && t->state != SR_OPEN)
		t->outer[SR_SLOT_LOOKUP].end = bpf_ktime_get_ns();
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(sock_sendmsg_enter)
{
	outer_enter(SR_SLOT_SOCK);
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(sock_sendmsg_exit)
{
	outer_exit(SR_SLOT_SOCK);
	return 0;
}

SEC("?kprobe")
int BPF_KPROBE(inner_sendmsg_enter)
{
	outer_enter(SR_SLOT_INNER);
	return 0;
}

SEC("?kretprobe")
int BPF_KRETPROBE(inner_sendmsg_exit)
{
	outer_exit(SR_SLOT_INNER);
	return 0;
}

#endif
