// The programs that sockray attaches: sends and socket creations. Which of them are loaded, and where each is
// attached, is the plan's decision (user/probe/plan.h); nothing is loaded by default.
#include "driver.bpf.h"
#include "edges.bpf.h"
#include "fentries.bpf.h"
#include "freed.bpf.h"
#include "kprobes.bpf.h"
#include "multi.bpf.h"
#include "qdisc.bpf.h"
#include "taps.bpf.h"

char LICENSE[] SEC("license") = "GPL";
