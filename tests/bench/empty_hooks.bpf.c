// Programs that do nothing: what it costs to be called at all.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define EMPTY(section, name)         \
	SEC("?" section)             \
	int name(void *ctx)          \
	{                            \
		return 0;            \
	}

EMPTY("kprobe", empty_kprobe)
EMPTY("kretprobe", empty_kretprobe)
EMPTY("kprobe.multi", empty_multi)
EMPTY("kretprobe.multi", empty_multi_return)
EMPTY("fentry", empty_fentry)
EMPTY("fexit", empty_fexit)
EMPTY("raw_tp", empty_tracepoint)

char LICENSE[] SEC("license") = "GPL";
