#include "user/probe/fentry_targets.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

namespace sockray {
namespace {

thread_local const FentryTargets* in_use = nullptr;

// As long as it takes a program for one of another type, libbpf does not read the kernel's types for it.
constexpr bpf_prog_type until_loaded = BPF_PROG_TYPE_KPROBE;

int before_load(bpf_program* program, bpf_prog_load_opts* options, long) {
    if (const int error = bpf_program__set_type(program, BPF_PROG_TYPE_TRACING)) return error;
    if (!options->attach_btf_id && in_use) options->attach_btf_id = in_use->of(program);
    return 0;
}

}  // namespace

void FentryTargets::take_over() {
    [[maybe_unused]] static const bool done = [] {
        LIBBPF_OPTS(libbpf_prog_handler_opts, options);
        options.prog_prepare_load_fn = before_load;
        libbpf_register_prog_handler("fentry", until_loaded, BPF_TRACE_FENTRY, &options);
        libbpf_register_prog_handler("fexit", until_loaded, BPF_TRACE_FEXIT, &options);
        return true;
    }();
}

FentryTargets::Use::Use(const FentryTargets& targets) {
    in_use = &targets;
}

FentryTargets::Use::~Use() {
    in_use = nullptr;
}

std::uint32_t FentryTargets::of(const bpf_program* program) const {
    const auto found = functions_.find(program);
    return found == functions_.end() ? 0 : found->second;
}

}  // namespace sockray
