// The edges of tracing: who is followed, and what is still under way at the end. Each of them twice: for kernels with BTF
// of their own, and for others (config.by_thread), where threads are known by their number.
#ifndef SOCKRAY_BPF_EDGES_H
#define SOCKRAY_BPF_EDGES_H

#include "record.bpf.h"

// Children of a followed task are followed too, wherever they go.
static __always_inline void follow(struct sr_task *child)
{
	if (child)
		child->followed = 1;
	else
		COUNT(forks_lost);
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(task_forked, struct task_struct *parent, struct task_struct *child)
{
	struct sr_task *t = bpf_task_storage_get(&tasks, parent, NULL, 0);

	if ((t && t->followed) || (__u32)parent->tgid == config.follow)
		follow(bpf_task_storage_get(&tasks, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE));
	return 0;
}

SEC("?raw_tracepoint")
int BPF_PROG(thread_forked, struct task_struct *parent, struct task_struct *child)
{
	__u32 tid = BPF_CORE_READ(parent, pid);
	struct sr_task *t = bpf_map_lookup_elem(&threads, &tid);

	if ((t && t->followed) || (__u32)BPF_CORE_READ(parent, tgid) == config.follow)
		follow(thread_make(BPF_CORE_READ(child, pid)));
	return 0;
}

// A thread that is not its process' first and calls exec() becomes the first, and takes that one's number.
SEC("?raw_tracepoint")
int BPF_PROG(thread_executed, struct task_struct *task, int before)
{
	__u32 old = before;
	struct sr_task *t;
	bool followed;

	if (old == (__u32)bpf_get_current_pid_tgid())
		return 0;
	t = bpf_map_lookup_elem(&threads, &old);
	if (!t)
		return 0;
	followed = t->followed;
	send_flush(t);
	bpf_map_delete_elem(&threads, &old);
	if (followed)
		follow(task_make());
	return 0;
}

// A record that waits for a return that the kernel skipped would go with its task.
SEC("?raw_tracepoint")
int BPF_PROG(task_exited)
{
	struct sr_task *t = task_find();
	__u32 tid = bpf_get_current_pid_tgid();

	if (!t)
		return 0;
	send_flush(t);
	if (config.by_thread)
		bpf_map_delete_elem(&threads, &tid);
	return 0;
}

static __always_inline void sweep_task(struct sr_task *t)
{
	if (t->state != SR_OPEN && t->state != SR_RETURNED)
		return;
	t->send.flags |= SR_SEND_SWEPT;
	send_emit(t);
}

// Run once, when tracing is done: sends that are still inside the kernel.
SEC("?iter/task")
int sweep(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sr_task *t;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (t)
		sweep_task(t);
	return 0;
}

static long sweep_thread(void *map, const __u32 *tid, struct sr_task *t, void *unused)
{
	sweep_task(t);
	return 0;
}

SEC("?raw_tracepoint")
int sweep_threads(void *ctx)
{
	bpf_for_each_map_elem(&threads, sweep_thread, NULL, 0);
	return 0;
}

#endif
