// Asks the kernel for a symbol, on request: its address by its name, or what stands at an address.
// User space says which and runs the program once for each.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SR_NAME_LEN 512 // KSYM_NAME_LEN, include/linux/kallsyms.h

char name[SR_NAME_LEN] = {}; // ended by NUL
__u64 address = 0;
__s64 result = 0; // of `find`: 0, or a negative errno
char text[SR_NAME_LEN + 128] = {}; // of `tell`: "packet_rcv+0x1c/0x3a0 [af_packet]", or "0x..." where no symbol is known

SEC("syscall")
int find(void *ctx)
{
	__u64 found = 0;

	result = bpf_kallsyms_lookup_name(name, sizeof(name), 0, &found);
	address = found;
	return 0;
}

SEC("syscall")
int tell(void *ctx)
{
	BPF_SNPRINTF(text, sizeof(text), "%pS", address);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
