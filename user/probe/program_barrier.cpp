#include "user/probe/program_barrier.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdint>

#include "user/base/format.h"

namespace sockray {

Result<ProgramBarrier> ProgramBarrier::make() {
    constexpr std::uint32_t bytes = sizeof(std::uint32_t), entries = 1;
    ProgramBarrier barrier;
    barrier.inner_ = Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "sockray_inner", bytes, bytes, entries, nullptr));
    if (!barrier.inner_) return fail("cannot make a BPF map: " + errno_text(errno));
    LIBBPF_OPTS(bpf_map_create_opts, options);
    options.inner_map_fd = static_cast<std::uint32_t>(barrier.inner_.get());
    barrier.outer_ = Fd(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "sockray_barrier", bytes, bytes, entries, &options));
    if (!barrier.outer_) return fail("cannot make a BPF map of maps: " + errno_text(errno));
    return barrier;
}

// Whoever gives a map of maps another value is told when no program uses the old one any more (kernel/bpf/syscall.c:
// maybe_wait_bpf_programs). membarrier() waits for less: for nothing on one CPU, and it is not there with nohz_full.
Status ProgramBarrier::wait() const {
    const std::uint32_t first = 0;
    const int inner = inner_.get();
    if (bpf_map_update_elem(outer_.get(), &first, &inner, BPF_ANY) == 0) return {};
    return fail("cannot wait for the BPF programs that run: " + errno_text(errno));
}

}  // namespace sockray
