// What is attached besides the hooks of the stages: the tracepoints of frames, segmentation, the forks and ends of
// tasks; and the sweep over the sends that are still inside the kernel when tracing ends.
#pragma once

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/base/stage_set.h"

struct trace_bpf;

namespace sockray {

class Attachments;

class Edges {
  public:
    // Before the load: which programs and maps are needed. `children_only`: tasks that a process forks are followed.
    // `own_types`: the kernel has BTF of its own.
    void select(trace_bpf& program, StageSet stages, bool children_only, bool own_types);

    // Behind the load, and behind the hooks. Errors: not_allowed.
    Status attach(trace_bpf& program, Attachments& attached);

    // Once, when all hooks are gone: the records of open sends go into the ring.
    void sweep();

  private:
    bool children_only_ = false;
    bool own_types_ = true;
    Fd sweep_;                // iterator over all tasks
    int sweep_program_ = -1;  // without BTF: what goes over all threads; the skeleton owns it
};

}  // namespace sockray
