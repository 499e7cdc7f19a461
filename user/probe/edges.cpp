#include "user/probe/edges.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <trace.skel.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <ranges>
#include <string>

#include "user/probe/attachments.h"
#include "user/probe/hooks.h"
#include "user/probe/load_error.h"

namespace sockray {
namespace {

struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

bpf_program* program_of(const trace_bpf& program, const TracepointRow& row) {
    return bpf_object__find_program_by_name(program.obj, std::string(row.program).c_str());
}

Status attach_tracepoint(bpf_program* program, const std::string& name, Attachments& attached) {
    const LibbpfLog log;
    bpf_link* link = bpf_program__attach_raw_tracepoint(program, name.c_str());
    if (!link) return tl::unexpected(load_error(fmt::format("attach to the tracepoint {}", name), errno, log));
    attached.add(link);
    return {};
}

// Without these a frame that is cut up (GSO) behind a qdisc has an unknown end.
void attach_segmentation(trace_bpf& program, Attachments& attached) {
    const LibbpfLog quiet;
    constexpr const char* segmentation = "__skb_gso_segment";
    bpf_link* enter = bpf_program__attach_kprobe(program.progs.segment_enter, false, segmentation);
    if (!enter) return;
    if (bpf_link* exit = bpf_program__attach_kprobe(program.progs.segment_exit, true, segmentation)) {
        attached.add(enter);
        attached.add(exit);
    } else {
        bpf_link__destroy(enter);
    }
}

}  // namespace

void Edges::select(trace_bpf& program, StageSet stages, bool children_only, bool own_types) {
    children_only_ = children_only;
    own_types_ = own_types;
    for (const TracepointRow& row : tracepoints())
        if (row.always || stages & stage_bit(row.stage)) bpf_program__set_autoload(program_of(program, row), true);
    bpf_program__set_autoload(program.progs.segment_enter, true);
    bpf_program__set_autoload(program.progs.segment_exit, true);
    bpf_program__set_autoload(program.progs.task_exited, true);
    bpf_program__set_autoload(own_types ? program.progs.sweep : program.progs.sweep_threads, true);
    if (children_only) {
        bpf_program__set_autoload(own_types ? program.progs.task_forked : program.progs.thread_forked, true);
        bpf_program__set_autoload(program.progs.thread_executed, !own_types);
    }
    bpf_map__set_autocreate(own_types ? program.maps.threads : program.maps.tasks, false);
}

Status Edges::attach(trace_bpf& program, Attachments& attached) {
    // Ends of frames before beginnings: net_dev_xmit and the like before net_dev_start_xmit.
    for (const TracepointRow& row : tracepoints() | std::views::reverse) {
        bpf_program* one = program_of(program, row);
        if (!bpf_program__autoload(one)) continue;
        if (Status status = attach_tracepoint(one, std::string(row.tracepoint), attached); !status) return status;
    }
    attach_segmentation(program, attached);
    if (Status status = attach_tracepoint(program.progs.task_exited, "sched_process_exit", attached); !status)
        return status;
    const LibbpfLog log;
    if (children_only_ && own_types_) {
        bpf_link* forked = bpf_program__attach(program.progs.task_forked);
        if (!forked) return tl::unexpected(load_error("attach to the tracepoint sched_process_fork", errno, log));
        attached.add(forked);
    } else if (children_only_) {
        if (Status status = attach_tracepoint(program.progs.thread_executed, "sched_process_exec", attached); !status)
            return status;
        if (Status status = attach_tracepoint(program.progs.thread_forked, "sched_process_fork", attached); !status)
            return status;
    }
    if (!own_types_) {
        sweep_program_ = bpf_program__fd(program.progs.sweep_threads);
        return {};
    }
    const std::unique_ptr<bpf_link, DestroyLink> iterator(bpf_program__attach_iter(program.progs.sweep, nullptr));
    if (iterator) sweep_ = Fd(bpf_iter_create(bpf_link__fd(iterator.get())));
    if (!sweep_) return tl::unexpected(load_error("make an iterator over all tasks", errno, log));
    return {};
}

void Edges::sweep() {
    char nothing[64];
    while (sweep_ && ::read(sweep_.get(), nothing, sizeof nothing) > 0) {
    }
    sweep_.reset();
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (sweep_program_ >= 0) bpf_prog_test_run_opts(sweep_program_, &options);
}

}  // namespace sockray
