#include "user/probe/trial.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/probe/load_error.h"

namespace sockray {
namespace {

// r0 = 0; exit
constexpr std::array nothing{bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0},
                             bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};

// The kernel's own number for "not supported", include/linux/errno.h; it has no name in user space.
constexpr int kernel_enotsupp = 524;

Fd load_nothing(bpf_prog_type type, bpf_prog_load_opts& options) {
    return Fd(bpf_prog_load(type, "sockray_trial", "GPL", nothing.data(), nothing.size(), &options));
}

std::string try_fentry(const LiveKernel& kernel, const std::string& function) {
    // Types of a file may have other numbers.
    const auto id = kernel.types.are_of_file()
                        ? std::uint32_t(std::max(libbpf_find_vmlinux_btf_id(function.c_str(), BPF_TRACE_FENTRY), 0))
                        : kernel.types.function(function).value_or(0);
    if (!id) return attach_refusal(Backend::fentry, ESRCH);
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.expected_attach_type = BPF_TRACE_FENTRY;
    options.attach_btf_id = id;
    const Fd program = load_nothing(BPF_PROG_TYPE_TRACING, options);
    if (!program) return attach_refusal(Backend::fentry, errno);
    const Fd link(bpf_link_create(program.get(), 0, BPF_TRACE_FENTRY, nullptr));
    return link ? "" : attach_refusal(Backend::fentry, errno);
}

std::string try_multi(const LiveKernel& kernel, const std::string& function) {
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.expected_attach_type = BPF_TRACE_KPROBE_MULTI;
    const Fd program = load_nothing(BPF_PROG_TYPE_KPROBE, options);
    if (!program) return attach_refusal(Backend::kprobe_multi, errno);
    const unsigned long address = kernel.symbols->address(function).value_or(0);
    LIBBPF_OPTS(bpf_link_create_opts, where);
    where.kprobe_multi.cnt = 1;
    where.kprobe_multi.addrs = &address;
    const Fd link(bpf_link_create(program.get(), 0, BPF_TRACE_KPROBE_MULTI, &where));
    return link ? "" : attach_refusal(Backend::kprobe_multi, errno);
}

// perf_event_open(2) places the probe, with or without a program.
std::string try_kprobe(const std::string& function, std::uint64_t offset) {
    perf_event_attr attributes{};
    std::ifstream("/sys/bus/event_source/devices/kprobe/type") >> attributes.type;
    attributes.size = sizeof attributes;
    attributes.kprobe_func = reinterpret_cast<std::uint64_t>(function.c_str());
    attributes.probe_offset = offset;
    const Fd event(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
    return event ? "" : attach_refusal(Backend::kprobe, errno);
}

}  // namespace

std::string attach_refusal(Backend backend, int err) {
    if (backend == Backend::fentry) {
        if (err == ESRCH || err == ENOENT) return "the kernel's BTF does not describe this function";
        if (err == kernel_enotsupp || err == EOPNOTSUPP)
            return "this kernel cannot put trampolines on functions (it needs CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS)";
        if (err == EBUSY) return "another trampoline, a live patch or too many programs are on this function";
    }
    if (backend == Backend::kprobe_multi) {
        if (err == EOPNOTSUPP || err == kernel_enotsupp) return "this kernel has no fprobe (CONFIG_FPROBE)";
        // kernel/trace/ftrace.c: ftrace_set_filter_ips()
        if (err == EINVAL || err == ENOENT || err == ESRCH) return "ftrace does not know this function";
    }
    if (backend == Backend::kprobe && (err == ENOENT || err == EADDRNOTAVAIL))
        return "there is no such function, or there are several of this name";
    return err == kernel_enotsupp ? "the kernel does not support it" : errno_text(err);
}

std::string try_hook(const LiveKernel& kernel, Backend backend, const std::string& function, std::uint64_t offset) {
    const LibbpfLog quiet;
    switch (backend) {
        case Backend::fentry: return try_fentry(kernel, function);
        case Backend::kprobe_multi: return try_multi(kernel, function);
        case Backend::kprobe: break;
    }
    return try_kprobe(function, offset);
}

}  // namespace sockray
