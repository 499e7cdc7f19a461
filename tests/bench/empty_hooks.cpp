// empty_hooks: attaches programs that do nothing where a plan says, and keeps them until SIGINT or SIGTERM. What a send
// then takes more is the floor under every tracer with these hooks; with --stamps, programs that look the task up by
// task storage and read the clock: the floor under every tracer that tells times in this way.
//
// The plan comes on standard input, as `sockray trace --json` prints it; a kind of hook is its own. Raw tracepoints,
// which a plan does not name, are arguments. Says "ready" on standard error once all is attached.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <empty_hooks.skel.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/plan_hooks.h"

namespace {

using sockray::bench::PlanHook;

struct DestroyObject {
    void operator()(empty_hooks_bpf* object) const { empty_hooks_bpf::destroy(object); }
};
struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Object = std::unique_ptr<empty_hooks_bpf, DestroyObject>;
using Link = std::unique_ptr<bpf_link, DestroyLink>;

// Links go before the programs they belong to.
struct Attached {
    std::vector<Object> objects;
    std::vector<Link> links;
};

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "empty_hooks: cannot %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

Link checked(bpf_link* link, const std::string& what) {
    if (!link) die("attach to " + what);
    return Link(link);
}

// The programs of one object that are to be used, by the kind of hook.
struct Programs {
    bpf_program* kprobe;
    bpf_program* kretprobe;
    bpf_program* multi;
    bpf_program* multi_return;
    bpf_program* fentry;
    bpf_program* fexit;
    bpf_program* tracepoint;
};

bool stamping = false;

Programs programs_of(const empty_hooks_bpf& object) {
    const auto& all = object.progs;
    if (stamping)
        return {all.stamp_kprobe, all.stamp_kretprobe, all.stamp_multi,     all.stamp_multi_return,
                all.stamp_fentry, all.stamp_fexit,     all.stamp_tracepoint};
    return {all.empty_kprobe, all.empty_kretprobe, all.empty_multi,     all.empty_multi_return,
            all.empty_fentry, all.empty_fexit,     all.empty_tracepoint};
}

int stamps_fd = -1;  // of the first object, which the others share

Object open_programs() {
    Object object(empty_hooks_bpf::open());
    if (!object) die("open the programs");
    if (stamps_fd >= 0 && bpf_map__reuse_fd(object->maps.stamps, stamps_fd) != 0) die("share the map");
    return object;
}

void load(const Object& object, const std::vector<bpf_program*>& programs, const std::string& what) {
    for (bpf_program* program : programs) bpf_program__set_autoload(program, true);
    if (empty_hooks_bpf::load(object.get()) != 0) die("load the programs for " + what);
    if (stamps_fd < 0) stamps_fd = bpf_map__fd(object->maps.stamps);
}

void attach_fentry(const PlanHook& hook, Attached& all) {
    Object object = open_programs();
    const Programs choice = programs_of(*object);
    std::vector<bpf_program*> programs{choice.fentry};
    if (hook.on_return) programs.push_back(choice.fexit);
    for (bpf_program* program : programs)
        if (bpf_program__set_attach_target(program, 0, hook.function.c_str()) != 0) die("find " + hook.function);
    load(object, programs, hook.function);
    for (const bpf_program* program : programs)
        all.links.push_back(checked(bpf_program__attach_trace(program), hook.function));
    all.objects.push_back(std::move(object));
}

void attach_kprobe(const PlanHook& hook, const Programs& programs, Attached& all) {
    LIBBPF_OPTS(bpf_kprobe_opts, options);
    options.offset = hook.offset;
    all.links.push_back(
        checked(bpf_program__attach_kprobe_opts(programs.kprobe, hook.function.c_str(), &options), hook.function));
    if (!hook.on_return) return;
    options.retprobe = true;
    all.links.push_back(
        checked(bpf_program__attach_kprobe_opts(programs.kretprobe, hook.function.c_str(), &options), hook.function));
}

// All entries are one link and all returns another.
void attach_multi(const std::vector<PlanHook>& hooks, Attached& all) {
    std::vector<const char*> entries;
    std::vector<const char*> returns;
    for (const PlanHook& hook : hooks) {
        if (hook.kind != "kprobe.multi") continue;
        entries.push_back(hook.function.c_str());
        if (hook.on_return) returns.push_back(hook.function.c_str());
    }
    if (entries.empty()) return;
    Object object = open_programs();
    const Programs programs = programs_of(*object);
    load(object, {programs.multi, programs.multi_return}, "kprobe.multi");
    for (const bool on_return : {false, true}) {
        const auto& functions = on_return ? returns : entries;
        if (functions.empty()) continue;
        LIBBPF_OPTS(bpf_kprobe_multi_opts, options);
        options.syms = const_cast<const char**>(functions.data());
        options.cnt = functions.size();
        options.retprobe = on_return;
        all.links.push_back(checked(bpf_program__attach_kprobe_multi_opts(
                                        on_return ? programs.multi_return : programs.multi, nullptr, &options),
                                    "kprobe.multi"));
    }
    all.objects.push_back(std::move(object));
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> tracepoints(argv + 1, argv + argc);
    if (!tracepoints.empty() && tracepoints.front() == "--stamps") {
        stamping = true;
        tracepoints.erase(tracepoints.begin());
    }
    if (!tracepoints.empty() && tracepoints.front().starts_with('-')) {
        std::fputs("usage: empty_hooks [--stamps] [TRACEPOINT...] < PLAN   (lines of `sockray trace --json`)\n",
                   stderr);
        return tracepoints.front() == "--help" ? 0 : 2;
    }
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, nullptr);

    const std::vector<PlanHook> hooks = sockray::bench::read_plan(std::cin);
    Attached all;
    // A program of these kinds can be attached any number of times.
    all.objects.push_back(open_programs());
    const Programs programs = programs_of(*all.objects.front());
    load(all.objects.front(), {programs.kprobe, programs.kretprobe, programs.tracepoint}, "kprobes and tracepoints");
    for (const PlanHook& hook : hooks)
        if (hook.kind == "fentry")
            attach_fentry(hook, all);
        else if (hook.kind == "kprobe")
            attach_kprobe(hook, programs, all);
    attach_multi(hooks, all);
    for (const std::string& name : tracepoints)
        all.links.push_back(checked(bpf_program__attach_raw_tracepoint(programs.tracepoint, name.c_str()), name));
    if (all.links.empty()) {
        std::fputs("empty_hooks: the plan has no hooks\n", stderr);
        return 1;
    }
    std::fputs("ready\n", stderr);
    int signal = 0;
    sigwait(&stop, &signal);
    return 0;
}
