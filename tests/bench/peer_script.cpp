// peer_script: what another tracer is told so that it shows the same stages, made from a plan (standard input, lines of
// `sockray trace --json`).
//
//   bpftrace-kprobe, bpftrace-kfunc   a bpftrace program that prints one line a send, with every stage's times
//   graph                             function names, a line each, for ftrace's function_graph
//   kprobe-events                     lines for tracefs' kprobe_events, in the group sockray_bench
//
// The bpftrace program is the cheapest that shows the same: it follows a task only from packet_sendmsg on, writes times
// into maps that are overwritten and never emptied, and prints when the system call returns.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/plan_hooks.h"

namespace {

using sockray::bench::PlanHook;

bool is_entry(const PlanHook& hook) {
    return hook.function.starts_with("__sys_send") || hook.function == "sock_write_iter";
}

// Before packet_sendmsg it is not known whether the send is one of a packet socket.
bool is_outer(const PlanHook& hook) {
    return is_entry(hook) || hook.function.starts_with("sock_sendmsg") || hook.function == "__sock_sendmsg" ||
           hook.function == "sockfd_lookup_light" || hook.function == "packet_sendmsg" ||
           hook.function == "packet_sendmsg_spkt";
}

bool is_socket(const PlanHook& hook) {
    return hook.function == "__sock_create" || hook.function == "packet_create";
}

std::string times_of(const std::vector<PlanHook>& hooks) {
    std::string format;
    std::string arguments;
    for (std::size_t i = 0; i < hooks.size(); i++) {
        if (is_socket(hooks[i])) continue;
        const std::string index = std::to_string(i);
        format += " %llu";
        arguments += ", @a" + index + "[tid]";
        if (!hooks[i].on_return || is_entry(hooks[i])) continue;
        format += " %llu";
        arguments += ", @b" + index + "[tid]";
    }
    return "printf(\"%llu %d %s" + format + "\\n\", nsecs, tid, comm" + arguments + ");";
}

void print_bpftrace(const std::vector<PlanHook>& hooks, bool kfunc) {
    for (std::size_t i = 0; i < hooks.size(); i++) {
        const PlanHook& hook = hooks[i];
        const bool inside = hook.offset != 0;
        const std::string index = std::to_string(i);
        const std::string place = hook.function + (inside ? "+" + std::to_string(hook.offset) : "");
        const std::string enter = (kfunc && !inside ? "kfunc:" : "kprobe:") + place;
        const std::string leave = (kfunc ? "kretfunc:" : "kretprobe:") + place;
        const std::string only = is_outer(hook) ? "" : " /@in[tid]/";
        const bool begins = hook.function.starts_with("packet_sendmsg");
        if (is_socket(hook)) {
            std::printf(
                "%s { @c%s[tid] = nsecs; }\n%s /@c%s[tid]/ { printf(\"socket %%llu %%d\\n\", nsecs, tid); "
                "delete(@c%s[tid]); }\n",
                enter.c_str(), index.c_str(), leave.c_str(), index.c_str(), index.c_str());
            continue;
        }
        std::printf("%s%s { @a%s[tid] = nsecs;%s }\n", enter.c_str(), only.c_str(), index.c_str(),
                    begins ? " @in[tid] = 1;" : "");
        if (!hook.on_return) continue;
        if (is_entry(hook))
            std::printf("%s /@in[tid]/ { %s @in[tid] = 0; }\n", leave.c_str(), times_of(hooks).c_str());
        else
            std::printf("%s /@in[tid]/ { @b%s[tid] = nsecs; }\n", leave.c_str(), index.c_str());
    }
    std::puts("BEGIN { printf(\"ready\\n\"); }\nEND { clear(@in); }");
    // What END does not clear, bpftrace prints as a table at its end: nothing that is measured.
}

void print_kprobe_events(const std::vector<PlanHook>& hooks) {
    for (std::size_t i = 0; i < hooks.size(); i++) {
        const PlanHook& hook = hooks[i];
        const std::string name = "sockray_bench/s" + std::to_string(i);
        std::printf("p:%s_in %s+%llu\n", name.c_str(), hook.function.c_str(),
                    static_cast<unsigned long long>(hook.offset));
        if (hook.on_return) std::printf("r:%s_out %s\n", name.c_str(), hook.function.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc == 2 ? argv[1] : "";
    const std::vector<PlanHook> hooks = sockray::bench::read_plan(std::cin);
    if (what == "bpftrace-kprobe" || what == "bpftrace-kfunc")
        print_bpftrace(hooks, what == "bpftrace-kfunc");
    else if (what == "kprobe-events")
        print_kprobe_events(hooks);
    else if (what == "graph")
        for (const PlanHook& hook : hooks) {
            if (hook.offset == 0) std::puts(hook.function.c_str());
        }
    else {
        std::fputs("usage: peer_script bpftrace-kprobe|bpftrace-kfunc|graph|kprobe-events < PLAN\n", stderr);
        return what == "--help" ? 0 : 2;
    }
    return 0;
}
