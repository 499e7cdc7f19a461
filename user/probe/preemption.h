// Whether a task can be preempted inside of a BPF program.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sockray {

// Where it can, another task on the same CPU that comes to the same fentry program is not traced
// (kernel/bpf/trampoline.c:
// __bpf_prog_enter_recur counts by CPU, and only keeps the task from migrating). kprobes and kprobe.multi run with
// preemption off. A kernel that does not say is taken for one that preempts: then nothing is lost.
bool programs_are_preempted();

// Pure. `version`: what `uname -v` prints, which names the model that the kernel was built with (init/Makefile:
// UTS_VERSION). `dynamic`: of a PREEMPT_DYNAMIC kernel, /sys/kernel/debug/sched/preempt ("none voluntary (full)"); none
// where that cannot be read.
bool preempts(std::string_view version, const std::optional<std::string>& dynamic);

}  // namespace sockray
