// What is attached besides the hooks of the stages: the tracepoints of frames, segmentation, the forks and ends of
// tasks; and the sweep over the sends that are still inside the kernel when tracing ends.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "user/base/result.h"
#include "user/base/stage_set.h"
#include "user/probe/hooks.h"

struct trace_bpf;

namespace sockray {

class Attachments;

// A stage that this kernel has no tracepoint for.
struct StageWithout {
    Stage stage = Stage::none;
    std::string reason;
};

// Calls `attach` for each row, the last first: ends of frames before beginnings (net_dev_xmit before
// net_dev_start_xmit). What it refuses costs the stage, whose other rows are not asked for any more; those that were
// attached already are the caller's to drop. Errors: only what is not_allowed, which is so for all.
Result<std::vector<StageWithout>> attach_rows(std::span<const TracepointRow> rows,
                                              const std::function<Status(const TracepointRow&)>& attach);

class Edges {
  public:
    // Before the load: which programs and maps are needed. `children_only`: tasks that a process forks are followed.
    // `taps`: what sockray's own capture gets is told.
    void select(trace_bpf& program, StageSet stages, bool children_only, bool taps);

    // Behind the load, and behind the hooks. Returns the stages that cannot be attached here, with nothing left of
    // them. Errors: not_allowed, or what is no stage's and cannot be done without.
    Result<std::vector<StageWithout>> attach(trace_bpf& program, Attachments& attached);

    // Once, when no program records anything any more: the records of open sends go into the ring.
    Status sweep();

  private:
    Status attach_tasks(trace_bpf& program, Attachments& attached);

    bool children_only_ = false;
    bool taps_ = false;
    int sweep_program_ = -1;  // the skeleton owns it
};

}  // namespace sockray
