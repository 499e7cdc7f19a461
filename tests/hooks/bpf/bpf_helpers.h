// Stands in for libbpf's header: the helpers that the programs call, on the host, for one task on one CPU.
#pragma once

#include <linux/types.h>

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#undef __always_inline
#define __always_inline inline
#undef __noinline
#define __noinline
#define barrier_var(x)

struct task_struct;

__u64 bpf_ktime_get_ns(void);
__u64 bpf_get_current_pid_tgid(void);
__u64 bpf_get_current_uid_gid(void);
__u32 bpf_get_smp_processor_id(void);
struct task_struct *bpf_get_current_task_btf(void);
__u64 bpf_get_current_task(void);
void *bpf_task_pt_regs(struct task_struct *task);
long bpf_get_current_comm(void *to, __u32 size);
long bpf_get_stack(void *ctx, void *to, __u32 size, __u64 flags);
void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
long bpf_probe_read_kernel(void *to, __u32 size, const void *from);
long bpf_probe_read_user(void *to, __u32 size, const void *from);
__u64 bpf_ringbuf_query(void *ring, __u64 flags);
long bpf_ringbuf_output(void *ring, void *record, __u64 size, __u64 flags);
void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *record, __u64 flags);
long hooks_loop(__u32 times, long (*step)(__u32, void *), void *context);

#define bpf_loop(times, step, context, flags) hooks_loop(times, (long (*)(__u32, void *))(step), context)
