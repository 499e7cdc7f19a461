// Reads kernel memory on request: code bytes (to find inlined functions) and tables such as packet_ops.
// User space sets the address and runs the program once for each read.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define SR_PEEK_MAX 8192

__u64 address = 0;
__u32 length = 0;
__s64 result = 0; // 0, or a negative errno
__u64 task = 0; // struct task_struct of who runs the program
__u32 caller = 0; // thread group of who runs the program, in the initial pid namespace
unsigned char data[SR_PEEK_MAX] = {};

SEC("raw_tracepoint")
int peek(void *ctx)
{
	__u32 n = length;

	if (n > SR_PEEK_MAX)
		n = SR_PEEK_MAX;
	task = bpf_get_current_task();
	caller = bpf_get_current_pid_tgid() >> 32;
	result = bpf_probe_read_kernel(data, n, (void *)address);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
