// The edges of tracing: who is followed, and what is still under way at the end.
#ifndef SOCKRAY_BPF_EDGES_H
#define SOCKRAY_BPF_EDGES_H

#include "record.bpf.h"

// Children of a followed task are followed too, wherever they go.
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(task_forked, struct task_struct *parent, struct task_struct *child)
{
	struct sr_task *t = bpf_task_storage_get(&tasks, parent, NULL, 0);

	if (!(t && t->followed) && (__u32)parent->tgid != config.follow)
		return 0;
	t = bpf_task_storage_get(&tasks, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (t)
		t->followed = 1;
	else
		COUNT(forks_lost);
	return 0;
}

// A record that waits for a return that the kernel skipped would go with its task.
SEC("?raw_tracepoint")
int BPF_PROG(task_exited)
{
	struct sr_task *t = task_find();

	if (t)
		send_flush(t);
	return 0;
}

// Run once, after all hooks are gone: sends that are still inside the kernel.
SEC("?iter/task")
int sweep(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sr_task *t;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&tasks, task, NULL, 0);
	if (t && (t->state == SR_OPEN || t->state == SR_RETURNED)) {
		t->send.flags |= SR_SEND_SWEPT;
		send_emit(t);
	}
	return 0;
}

#endif
