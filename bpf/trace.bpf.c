// The programs that sockray attaches: sends and socket creations. Which of them are loaded, and where each is
// attached, is the plan's decision (user/probe/plan.h); nothing is loaded by default.
#include "edges.bpf.h"
#include "entry.bpf.h"
#include "frame.bpf.h"
#include "send.bpf.h"
#include "socket.bpf.h"

char LICENSE[] SEC("license") = "GPL";
