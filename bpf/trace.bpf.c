// The programs that sockray attaches: sends and socket creations. Which of them are loaded, and where each is
// attached, is the plan's decision (user/probe/plan.h); nothing is loaded by default.
#include "edges.bpf.h"
#include "fentries.bpf.h"
#include "kprobes.bpf.h"
#include "multi.bpf.h"

char LICENSE[] SEC("license") = "GPL";
