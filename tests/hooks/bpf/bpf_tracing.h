// Stands in for libbpf's header: a program of a raw tracepoint is a function with its arguments.
#pragma once
#define BPF_PROG(name, args...) name(args)
