// The edges of tracing: who is followed, who has ended, and what is still under way at the end.
#ifndef SOCKRAY_BPF_EDGES_H
#define SOCKRAY_BPF_EDGES_H

#include "record.bpf.h"
#include "ring.bpf.h"

// Children of a followed process are followed too, wherever they go.
SEC("?raw_tracepoint")
int BPF_PROG(task_forked, struct task_struct *parent, struct task_struct *child)
{
	__u32 from = BPF_CORE_READ(parent, tgid), tgid = BPF_CORE_READ(child, tgid);
	__u8 yes = 1;

	if (tgid == from) // a thread
		return 0;
	if (from != config.follow && !bpf_map_lookup_elem(&followed, &from))
		return 0;
	if (bpf_map_update_elem(&followed, &tgid, &yes, BPF_ANY))
		COUNT(forks_lost);
	return 0;
}

// `tgid`: of its process. Another one that has the number by now is left alone.
static __always_inline void thread_gone(__u32 tid, __u32 tgid)
{
	struct sr_task *t = mode == SR_MODE_DONE ? NULL : task_of(tid);

	if (!t || t->tgid != tgid)
		return;
	send_flush(t); // a record that waits for a return that the kernel skipped would go with it
	ring_end(t);
	task_leave(t);
}

// A thread that is not its process' first and calls exec() becomes the first, and takes that one's number.
SEC("?raw_tracepoint")
int BPF_PROG(task_executed, struct task_struct *task, int before)
{
	__u64 id = bpf_get_current_pid_tgid();

	if ((__u32)before != (__u32)id)
		thread_gone(before, id >> 32);
	return 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(task_exited, struct task_struct *task)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32;

	thread_gone(id, tgid);
	// The last thread of its process: kernel/exit.c, do_exit, counts it down before.
	if (config.follow && !BPF_CORE_READ(task, signal, live.counter))
		bpf_map_delete_elem(&followed, &tgid);
	return 0;
}

static __always_inline void sweep_task(struct sr_task *t)
{
	if (t->state != SR_OPEN && t->state != SR_RETURNED)
		return;
	t->send.flags |= SR_SEND_SWEPT;
	send_emit(t);
}

static long sweep_one(__u32 seat, void *unused)
{
	sweep_task(seat_of(seat));
	return 0;
}

// Run once, when tracing is done: sends that are still inside the kernel.
SEC("?raw_tracepoint")
int sweep(void *ctx)
{
	bpf_loop(SR_SEATS, sweep_one, NULL, 0);
	return 0;
}

#endif
