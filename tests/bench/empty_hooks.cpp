// empty_hooks: attaches programs that do nothing where a plan says, and keeps them until SIGINT or SIGTERM. What a send
// then takes more is the floor under every tracer with these hooks.
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

// A program of these kinds can be attached any number of times.
Object shared_programs() {
    Object object(empty_hooks_bpf::open());
    if (!object) die("open the programs");
    for (bpf_program* program :
         {object->progs.empty_kprobe, object->progs.empty_kretprobe, object->progs.empty_tracepoint})
        bpf_program__set_autoload(program, true);
    if (empty_hooks_bpf::load(object.get()) != 0) die("load the programs");
    return object;
}

Object multi_programs() {
    Object object(empty_hooks_bpf::open());
    if (!object) die("open the programs");
    for (bpf_program* program : {object->progs.empty_multi, object->progs.empty_multi_return})
        bpf_program__set_autoload(program, true);
    if (empty_hooks_bpf::load(object.get()) != 0) die("load the programs for kprobe.multi");
    return object;
}

void attach_fentry(const PlanHook& hook, Attached& all) {
    Object object(empty_hooks_bpf::open());
    if (!object) die("open the programs");
    std::vector<bpf_program*> programs{object->progs.empty_fentry};
    if (hook.on_return) programs.push_back(object->progs.empty_fexit);
    for (bpf_program* program : programs) {
        bpf_program__set_autoload(program, true);
        if (bpf_program__set_attach_target(program, 0, hook.function.c_str()) != 0) die("find " + hook.function);
    }
    if (empty_hooks_bpf::load(object.get()) != 0) die("load the programs for " + hook.function);
    for (const bpf_program* program : programs)
        all.links.push_back(checked(bpf_program__attach_trace(program), hook.function));
    all.objects.push_back(std::move(object));
}

void attach_kprobe(const PlanHook& hook, const empty_hooks_bpf& programs, Attached& all) {
    LIBBPF_OPTS(bpf_kprobe_opts, options);
    options.offset = hook.offset;
    all.links.push_back(checked(
        bpf_program__attach_kprobe_opts(programs.progs.empty_kprobe, hook.function.c_str(), &options), hook.function));
    if (!hook.on_return) return;
    options.retprobe = true;
    all.links.push_back(
        checked(bpf_program__attach_kprobe_opts(programs.progs.empty_kretprobe, hook.function.c_str(), &options),
                hook.function));
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
    Object object = multi_programs();
    for (const bool on_return : {false, true}) {
        const auto& functions = on_return ? returns : entries;
        if (functions.empty()) continue;
        LIBBPF_OPTS(bpf_kprobe_multi_opts, options);
        options.syms = const_cast<const char**>(functions.data());
        options.cnt = functions.size();
        options.retprobe = on_return;
        all.links.push_back(
            checked(bpf_program__attach_kprobe_multi_opts(
                        on_return ? object->progs.empty_multi_return : object->progs.empty_multi, nullptr, &options),
                    "kprobe.multi"));
    }
    all.objects.push_back(std::move(object));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && argv[1][0] == '-') {
        std::fputs("usage: empty_hooks [TRACEPOINT...] < PLAN   (lines of `sockray trace --json`)\n", stderr);
        return std::string(argv[1]) == "--help" ? 0 : 2;
    }
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, nullptr);

    const std::vector<PlanHook> hooks = sockray::bench::read_plan(std::cin);
    Attached all;
    all.objects.push_back(shared_programs());
    const empty_hooks_bpf& programs = *all.objects.front();
    for (const PlanHook& hook : hooks)
        if (hook.kind == "fentry")
            attach_fentry(hook, all);
        else if (hook.kind == "kprobe")
            attach_kprobe(hook, programs, all);
    attach_multi(hooks, all);
    for (int i = 1; i < argc; i++)
        all.links.push_back(
            checked(bpf_program__attach_raw_tracepoint(programs.progs.empty_tracepoint, argv[i]), argv[i]));
    if (all.links.empty()) {
        std::fputs("empty_hooks: the plan has no hooks\n", stderr);
        return 1;
    }
    std::fputs("ready\n", stderr);
    int signal = 0;
    sigwait(&stop, &signal);
    return 0;
}
