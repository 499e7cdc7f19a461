// Programs that do nothing: what it costs to be called at all. And programs that only look the task up, by its number as
// sockray does, and read the clock: what it costs to tell times of a send, which may sleep and change its CPU.
#include <linux/bpf.h>

#include "../../vmlinux/kernel.h"

#include <bpf/bpf_helpers.h>

#define SEATS 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SEATS);
	__type(key, __u32);
	__type(value, __u64);
} stamps SEC(".maps");

static __always_inline int stamp(void)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 seat = (__u32)bpf_get_current_pid_tgid() % SEATS;
	__u64 *last = bpf_map_lookup_elem(&stamps, &seat);

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
