// Programs that do nothing: what it costs to be called at all. And programs that only look the task up, by task storage as
// sockray does, and read the clock: what it costs to tell times of a send that way, since it may sleep and change its CPU.
#include <linux/bpf.h>

#include "../../vmlinux/kernel.h"

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} stamps SEC(".maps");

static __always_inline int stamp(void)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 *last = bpf_task_storage_get(&stamps, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (last)
		*last = now;
	return 0;
}

#define PROGRAM(section, name, result) \
	SEC("?" section)               \
	int name(void *ctx)            \
	{                              \
		return result;         \
	}
#define PROGRAMS(prefix, result)                                     \
	PROGRAM("kprobe", prefix##_kprobe, result)                   \
	PROGRAM("kretprobe", prefix##_kretprobe, result)             \
	PROGRAM("kprobe.multi", prefix##_multi, result)              \
	PROGRAM("kretprobe.multi", prefix##_multi_return, result)    \
	PROGRAM("fentry", prefix##_fentry, result)                   \
	PROGRAM("fexit", prefix##_fexit, result)                     \
	PROGRAM("raw_tp", prefix##_tracepoint, result)

PROGRAMS(empty, 0)
PROGRAMS(stamp, stamp())

char LICENSE[] SEC("license") = "GPL";
