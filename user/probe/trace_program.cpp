#include "user/probe/trace_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <trace.skel.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/base/write_all.h"
#include "user/probe/load_error.h"
#include "user/probe/trial.h"

namespace sockray {

void DestroyTraceProgram::operator()(trace_bpf* program) const {
    trace_bpf::destroy(program);
}

// The tasks' places, 10 MiB of zeros: the kernel makes a map of zeros, and libbpf would copy its own into it. (So
// nothing may be written into .bss before the load.)
Status make_zeros(bpf_map* map) {
    LIBBPF_OPTS(bpf_map_create_opts, options);
    options.map_flags = bpf_map__map_flags(map);
    const Fd zeros(bpf_map_create(bpf_map__type(map), "sockray.bss", bpf_map__key_size(map), bpf_map__value_size(map),
                                  bpf_map__max_entries(map), &options));
    // Which keeps a descriptor of its own.
    if (!zeros || bpf_map__reuse_fd(map, zeros.get()) != 0)
        return fail(fmt::format("cannot make a map of {} bytes: {}", bpf_map__value_size(map), errno_text(errno)));
    return {};
}

// libbpf is told where its types are when it opens the object, and reads them when it loads it: what the object names
// is known in between. Where AF_PACKET is a module, its types are the module's, and libbpf finds them by itself.
Result<OpenedProgram> open_trace_program(const KernelTypes& types) {
    const LibbpfLog log;
    LIBBPF_OPTS(bpf_object_open_opts, options);
    FentryTargets::take_over();
    OpenedProgram opened;
    std::string path;
    if (types.size("packet_sock")) {
        opened.types = Fd(::memfd_create("sockray-btf", MFD_CLOEXEC));
        path = fmt::format("/proc/self/fd/{}", opened.types.get());
        options.btf_custom_path = path.c_str();
    }
    opened.program.reset(trace_bpf::open(&options));
    if (!opened.program) return tl::unexpected(load_error("open the tracing programs", errno, log));
    if (Status made = make_zeros(opened.program->maps.bss); !made) return tl::unexpected(made.error());
    if (path.empty()) return opened;
    const std::vector<std::uint8_t> named = types.named_by(bpf_object__btf(opened.program->obj));
    const std::string_view bytes(reinterpret_cast<const char*>(named.data()), named.size());
    if (!opened.types || named.empty() || write_all(opened.types.get(), bytes, SIZE_MAX, -1) != 0)
        return fail("cannot keep the kernel's types in memory");
    return opened;
}

namespace {

// 0, or a negative errno. A function of a module stands among the module's types, and those of a file may have other
// numbers than the kernel's own: both are libbpf's to find.
int set_target(FentryTargets& targets, bpf_program* program, const std::string& function, const KernelTypes& types) {
    const auto number = types.are_of_file() ? std::nullopt : types.function(function);
    if (!number) return bpf_program__set_attach_target(program, 0, function.c_str());
    targets.set(program, *number);
    return 0;
}

}  // namespace

Status map_zeros(trace_bpf& program) {
    const auto page = static_cast<std::size_t>(::getpagesize());
    const std::size_t size = (bpf_map__value_size(program.maps.bss) + page - 1) / page * page;
    if (::mmap(program.bss, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, bpf_map__fd(program.maps.bss), 0) ==
        MAP_FAILED)
        return fail(fmt::format("cannot map the tracing programs' memory: {}", errno_text(errno)));
    return {};
}

Selection select_programs(trace_bpf& program, const Blueprint& blueprint, const KernelTypes& types) {
    Selection selection;
    auto& [refusals, targets] = selection;
    for (const Hook& hook : blueprint.hooks) {
        bpf_program* one = bpf_object__find_program_by_name(program.obj, hook.program.c_str());
        const auto served = hook.on_return ? program.rodata->multi_returns : program.rodata->multi_entries;
        const bool known = hook.backend != Backend::kprobe_multi || (served >> static_cast<unsigned>(hook.stage) & 1);
        const int error =
            one && known && hook.backend == Backend::fentry ? set_target(targets, one, hook.function, types) : 0;
        if (!one || !known)
            refusals.push_back({hook.stage, hook.backend, "sockray has no program of this kind for it"});
        else if (error)
            refusals.push_back({hook.stage, hook.backend, attach_refusal(hook.backend, -error)});
        else
            bpf_program__set_autoload(one, true);
    }
    return selection;
}

}  // namespace sockray
