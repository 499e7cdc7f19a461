#include "user/probe/edges.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <trace.skel.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <ranges>
#include <string>
#include <utility>

#include "user/base/format.h"
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

using Link = std::unique_ptr<bpf_link, DestroyLink>;

Result<Link> attach_tracepoint(const bpf_program* program, const std::string& name) {
    const LibbpfLog log;
    Link link(bpf_program__attach_raw_tracepoint(program, name.c_str()));
    if (link) return link;
    if (errno == ENOENT) return fail(fmt::format("this kernel has no tracepoint {}", name));
    return tl::unexpected(load_error(fmt::format("attach to the tracepoint {}", name), errno, log));
}

Status attach_tracepoint(const bpf_program* program, const std::string& name, Attachments& attached) {
    return attach_tracepoint(program, name).map([&](Link link) { attached.add(link.release(), program, Stage::none); });
}

// Without these a frame that is cut up (GSO) behind a qdisc has an unknown end.
void attach_segmentation(trace_bpf& program, Attachments& attached) {
    const LibbpfLog quiet;
    constexpr const char* segmentation = "__skb_gso_segment";
    bpf_link* enter = bpf_program__attach_kprobe(program.progs.segment_enter, false, segmentation);
    if (!enter) return;
    if (bpf_link* exit = bpf_program__attach_kprobe(program.progs.segment_exit, true, segmentation)) {
        attached.add(enter, program.progs.segment_enter, Stage::none, Backend::kprobe);
        attached.add(exit, program.progs.segment_exit, Stage::none, Backend::kprobe);
    } else {
        bpf_link__destroy(enter);
    }
}

Status attach_taps(trace_bpf& program, Attachments& attached) {
    const std::pair<bpf_program*, const char*> hooks[] = {{program.progs.tap_enter, "tpacket_rcv"},
                                                          {program.progs.tap_offer, "dev_queue_xmit_nit"}};
    for (const auto& [one, function] : hooks) {
        const LibbpfLog log;
        bpf_link* link = bpf_program__attach_kprobe(one, false, function);
        if (!link) return tl::unexpected(load_error(fmt::format("attach to {}", function), errno, log));
        attached.add(link, one, Stage::none, Backend::kprobe);
    }
    return {};
}

}  // namespace

void Edges::select(trace_bpf& program, StageSet stages, bool children_only, bool taps) {
    children_only_ = children_only;
    taps_ = taps;
    for (const TracepointRow& row : tracepoints())
        if (row.always || stages & stage_bit(row.stage)) bpf_program__set_autoload(program_of(program, row), true);
    bpf_program__set_autoload(program.progs.segment_enter, true);
    bpf_program__set_autoload(program.progs.segment_exit, true);
    for (bpf_program* one : {program.progs.tap_offer, program.progs.tap_enter}) bpf_program__set_autoload(one, taps);
    bpf_map__set_autocreate(program.maps.tapped, taps);
    for (bpf_program* one : {program.progs.task_executed, program.progs.task_exited, program.progs.sweep})
        bpf_program__set_autoload(one, true);
    bpf_program__set_autoload(program.progs.task_forked, children_only);
    bpf_map__set_autocreate(program.maps.followed, children_only);
}

Result<std::vector<StageWithout>> attach_rows(std::span<const TracepointRow> rows,
                                              const std::function<Status(const TracepointRow&)>& attach) {
    std::vector<StageWithout> lost;
    for (const TracepointRow& row : rows | std::views::reverse) {
        if (std::ranges::find(lost, row.stage, &StageWithout::stage) != lost.end()) continue;
        const Status status = attach(row);
        if (!status && status.error().kind == ErrorKind::not_allowed) return tl::unexpected(status.error());
        if (!status) lost.push_back({row.stage, status.error().what});
    }
    return lost;
}

Result<std::vector<StageWithout>> Edges::attach(trace_bpf& program, Attachments& attached) {
    struct Attached {
        Stage stage;
        const bpf_program* program;
        Link link;
    };
    std::vector<Attached> links;
    const auto lost = attach_rows(tracepoints(), [&](const TracepointRow& row) -> Status {
        const bpf_program* one = program_of(program, row);
        if (!bpf_program__autoload(one)) return {};
        return attach_tracepoint(one, std::string(row.tracepoint)).map([&](Link link) {
            links.push_back({row.stage, one, std::move(link)});
        });
    });
    if (!lost) return lost;
    for (auto& [stage, one, link] : links)
        if (std::ranges::find(*lost, stage, &StageWithout::stage) == lost->end())
            attached.add(link.release(), one, stage);
    if (Status status = attach_tasks(program, attached); !status) return tl::unexpected(status.error());
    return lost;
}

// No stage's: without them frames and tasks would be taken for others.
Status Edges::attach_tasks(trace_bpf& program, Attachments& attached) {
    attach_segmentation(program, attached);
    if (taps_) {
        if (Status status = attach_taps(program, attached); !status) return status;
    }
    const std::pair<bpf_program*, const char*> tasks[] = {{program.progs.task_exited, "sched_process_exit"},
                                                          {program.progs.task_executed, "sched_process_exec"},
                                                          {program.progs.task_forked, "sched_process_fork"}};
    for (const auto& [one, tracepoint] : tasks) {
        if (!bpf_program__autoload(one)) continue;
        if (Status status = attach_tracepoint(one, tracepoint, attached); !status) return status;
    }
    sweep_program_ = bpf_program__fd(program.progs.sweep);
    return {};
}

Status Edges::sweep() {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (sweep_program_ < 0 || bpf_prog_test_run_opts(sweep_program_, &options) == 0) return {};
    return fail(fmt::format("cannot tell which sends are still inside the kernel, they are counted as missed: {}",
                            errno_text(errno)));
}

}  // namespace sockray
