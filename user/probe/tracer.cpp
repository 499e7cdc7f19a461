#include "user/probe/tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <trace.skel.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <variant>

#include "user/base/fd.h"
#include "user/decode/decode.h"
#include "user/probe/check_send.h"
#include "user/probe/live_kernel.h"
#include "user/probe/load_error.h"
#include "user/probe/plan.h"

namespace sockray {
namespace {

struct DestroyProgram {
    void operator()(trace_bpf* program) const { trace_bpf::destroy(program); }
};
struct DestroyLink {
    void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
struct FreeRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};
using Link = std::unique_ptr<bpf_link, DestroyLink>;

struct Attached {
    Stage stage;
    Link link;
};

// The per-CPU counters, mapped: reading them is no system call. (A map look-up by system call makes the kernel skip
// BPF programs on this CPU while it runs: kernel/bpf/syscall.c, bpf_disable_instrumentation.)
class MappedCounters {
  public:
    MappedCounters() = default;
    ~MappedCounters() {
        if (memory_) ::munmap(memory_, bytes_);
    }
    MappedCounters(const MappedCounters&) = delete;
    MappedCounters& operator=(const MappedCounters&) = delete;

    bool map(int map_fd, std::size_t cpus) {
        const auto page = static_cast<std::size_t>(::getpagesize());
        bytes_ = (cpus * sizeof(sr_counters) + page - 1) / page * page;
        void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
        if (memory == MAP_FAILED) return false;
        memory_ = memory;
        cpus_ = cpus;
        return true;
    }
    std::span<sr_counters> cpus() const { return {static_cast<sr_counters*>(memory_), cpus_}; }

  private:
    void* memory_ = nullptr;
    std::size_t bytes_ = 0;
    std::size_t cpus_ = 0;
};

// One more than the highest number that a CPU can have: numbers may have gaps ("0-3,8-11").
int cpu_numbers() {
    std::ifstream file("/sys/devices/system/cpu/possible");
    std::string list;
    if (!std::getline(file, list)) return 0;
    const std::size_t last = list.find_last_of(",-");
    return std::atoi(list.c_str() + (last == std::string::npos ? 0 : last + 1)) + 1;
}

std::uint32_t ring_size(std::uint32_t wanted) {
    const auto page = static_cast<std::uint32_t>(::getpagesize());
    constexpr std::uint32_t most = 1U << 30;
    return std::bit_ceil(std::clamp(wanted, page, most));
}

void copy_text(char* to, std::size_t size, const std::string& text) {
    std::memcpy(to, text.data(), std::min(text.size(), size - 1));
}

sr_config make_config(const LiveKernel& kernel, const TraceOptions& options) {
    sr_config config{};
    config.net_families = kernel.symbols.address("net_families").value_or(0);
    config.packet_ops = kernel.symbols.address("packet_ops").value_or(0);
    config.packet_ops_spkt = kernel.symbols.address("packet_ops_spkt").value_or(0);
    config.cookie_magic = options.cookie_magic;
    config.cookie_offset = options.cookie_offset;
    config.filter_tgid = options.filter.tgid;
    config.filter_netns = options.filter.netns;
    config.filter_ifindex = options.filter.ifindex;
    config.follow = options.filter.ancestor;
    config.wake_bytes = ring_size(options.ring_bytes) / 4;
    copy_text(config.filter_comm, sizeof config.filter_comm, options.filter.comm);
    copy_text(config.filter_ifname, sizeof config.filter_ifname, options.filter.ifname);
    return config;
}

// The number of hits that the kernel skipped at a perf-event link: bpf_link_info.perf_event.kprobe.missed, which
// linux/bpf.h of Debian 12 does not have yet; `at` is its offset by the running kernel's BTF.
std::uint64_t skipped_at(const bpf_link* link, std::uint64_t at) {
    alignas(8) std::array<std::byte, 256> info{};
    auto length = static_cast<std::uint32_t>(info.size());
    std::uint64_t hits = 0;
    if (at + sizeof hits > info.size()) return 0;
    if (bpf_obj_get_info_by_fd(bpf_link__fd(link), info.data(), &length) != 0) return 0;
    std::memcpy(&hits, info.data() + at, sizeof hits);
    return hits;
}

int call_sink(void* context, void* data, std::size_t size) {
    (*static_cast<const Tracer::Sink*>(context))({static_cast<const std::byte*>(data), size});
    return 0;
}

}  // namespace

struct Tracer::State {
    Blueprint blueprint;
    std::unique_ptr<trace_bpf, DestroyProgram> program;
    MappedCounters mapped;
    std::vector<Attached> attached;
    Fd sweep;
    Fd wakeups;
    std::unique_ptr<ring_buffer, FreeRing> ring;
    const Sink* sink = nullptr;  // during read() only
    std::uint64_t skipped_offset = 0;
    std::optional<std::vector<StageHits>> skipped;  // none: this kernel does not say
    std::vector<sr_counters> final_counters;
    bool closed = false;

    Status load(const LiveKernel& kernel, const TraceOptions& options);
    Status attach(bool children_only);
    Status attach_hooks();
    Status attach_edges(bool children_only);
    Status check(const LiveKernel& kernel);
    void drop_stage(Stage stage, const std::string& reason);
    void set_mode(std::uint32_t mode) { std::atomic_ref(program->bss->mode).store(mode); }
    std::size_t read(const Sink& to);
    void count_skipped();
};

Status Tracer::State::load(const LiveKernel& kernel, const TraceOptions& options) {
    const LibbpfLog log;
    program.reset(trace_bpf::open());
    if (!program) return tl::unexpected(load_error("open the tracing programs", errno, log));
    for (const Hook& hook : blueprint.hooks)
        bpf_program__set_autoload(bpf_object__find_program_by_name(program->obj, hook.program.c_str()), true);
    bpf_program__set_autoload(program->progs.skb_freed, true);
    bpf_program__set_autoload(program->progs.task_exited, true);
    bpf_program__set_autoload(program->progs.sweep, true);
    bpf_program__set_autoload(program->progs.task_forked, options.filter.ancestor != 0);

    const int cpus = cpu_numbers();
    if (cpus < 1) return fail("cannot tell how many CPUs there are", "mount sysfs on /sys");
    bpf_map__set_max_entries(program->maps.ring, ring_size(options.ring_bytes));
    bpf_map__set_max_entries(program->maps.counters, static_cast<std::uint32_t>(cpus));
    // Read-only data: written before the load, constant for the verifier from then on.
    const sr_config config = make_config(kernel, options);
    std::memcpy(const_cast<sr_config*>(reinterpret_cast<const volatile sr_config*>(&program->rodata->config)), &config,
                sizeof config);

    if (const int error = trace_bpf::load(program.get()))
        return tl::unexpected(load_error("load the tracing programs", -error, log));
    if (!mapped.map(bpf_map__fd(program->maps.counters), static_cast<std::size_t>(cpus)))
        return fail(fmt::format("cannot map the tracing counters: {}", errno_text(errno)));
    ring.reset(ring_buffer__new(
        bpf_map__fd(program->maps.ring),
        [](void* context, void* data, std::size_t size) {
            return call_sink(const_cast<Sink*>(static_cast<State*>(context)->sink), data, size);
        },
        this, nullptr));
    if (!ring) return fail(fmt::format("cannot map the ring buffer: {}", errno_text(errno)));
    // Edge-triggered: readable only when the kernel side woke us, not whenever there is something in the ring.
    wakeups = Fd(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    if (!wakeups || ::epoll_ctl(wakeups.get(), EPOLL_CTL_ADD, bpf_map__fd(program->maps.ring), &event) != 0)
        return fail(fmt::format("cannot wait for the ring buffer: {}", errno_text(errno)));
    return {};
}

Status Tracer::State::attach_hooks() {
    const std::vector<Hook> hooks = blueprint.hooks;  // drop_stage() changes the blueprint's own
    for (const Hook& hook : hooks) {
        const LibbpfLog log;
        if (blueprint.plan.evidence(hook.stage) == Evidence::absent) continue;
        LIBBPF_OPTS(bpf_kprobe_opts, options);
        options.offset = hook.offset;
        options.retprobe = hook.on_return;
        options.bpf_cookie = static_cast<std::uint64_t>(hook.stage);
        Link link(bpf_program__attach_kprobe_opts(bpf_object__find_program_by_name(program->obj, hook.program.c_str()),
                                                  hook.function.c_str(), &options));
        if (link) {
            attached.push_back({hook.stage, std::move(link)});
            continue;
        }
        const int err = errno;
        const std::string what =
            fmt::format("attach a {} to {}+{}", hook.on_return ? "kretprobe" : "kprobe", hook.function, hook.offset);
        if (err == EPERM || err == EACCES || hook.stage == Stage::packet_sendmsg)
            return tl::unexpected(load_error(what, err, log));
        drop_stage(hook.stage, fmt::format("cannot {}: {}", what, errno_text(err)));
    }
    return {};
}

Status Tracer::State::attach_edges(bool children_only) {
    const LibbpfLog log;
    Link freed(bpf_program__attach_raw_tracepoint(program->progs.skb_freed, "kfree_skb"));
    if (!freed) return tl::unexpected(load_error("attach to the tracepoint kfree_skb", errno, log));
    attached.push_back({Stage::none, std::move(freed)});
    Link exited(bpf_program__attach_raw_tracepoint(program->progs.task_exited, "sched_process_exit"));
    if (!exited) return tl::unexpected(load_error("attach to the tracepoint sched_process_exit", errno, log));
    attached.push_back({Stage::none, std::move(exited)});
    if (children_only) {
        Link forked(bpf_program__attach(program->progs.task_forked));
        if (!forked) return tl::unexpected(load_error("attach to the tracepoint sched_process_fork", errno, log));
        attached.push_back({Stage::none, std::move(forked)});
    }
    const Link iterator(bpf_program__attach_iter(program->progs.sweep, nullptr));
    if (!iterator) return tl::unexpected(load_error("make an iterator over all tasks", errno, log));
    sweep = Fd(bpf_iter_create(bpf_link__fd(iterator.get())));
    if (!sweep) return tl::unexpected(load_error("make an iterator over all tasks", errno, log));
    return {};
}

Status Tracer::State::attach(bool children_only) {
    return attach_hooks().and_then([&] { return attach_edges(children_only); });
}

void Tracer::State::drop_stage(Stage stage, const std::string& reason) {
    std::erase_if(attached, [stage](const Attached& one) { return one.stage == stage; });
    withdraw(blueprint, stage, reason);
}

Status Tracer::State::check(const LiveKernel& kernel) {
    const auto announce = [this](std::uint32_t tid) { std::atomic_ref(program->bss->check_tid).store(tid); };
    if (Status status = make_check_sends(announce); !status) return status;
    CheckRecords records;
    read([&](std::span<const std::byte> bytes) {
        const auto record = decode(bytes);
        if (!record) return;
        if (const auto* send = std::get_if<sr_send>(&*record)) records.sends.push_back(*send);
        if (const auto* stack = std::get_if<sr_stack>(&*record)) records.stacks.push_back(*stack);
    });
    for (const auto& [stage, reason] : review_check(blueprint.plan, records, kernel.symbols).withdrawn)
        drop_stage(stage, reason);
    std::ranges::fill(mapped.cpus(), sr_counters{});  // the check is not part of anybody's ledger
    return {};
}

std::size_t Tracer::State::read(const Sink& to) {
    epoll_event woken{};
    ::epoll_wait(wakeups.get(), &woken, 1, 0);
    sink = &to;
    const int got = ring_buffer__consume(ring.get());
    sink = nullptr;
    return got < 0 ? 0 : static_cast<std::size_t>(got);
}

void Tracer::State::count_skipped() {
    if (!skipped) return;
    for (const Attached& one : attached) {
        const std::uint64_t hits = one.stage == Stage::none ? 0 : skipped_at(one.link.get(), skipped_offset);
        if (!hits) continue;
        const auto found = std::ranges::find(*skipped, one.stage, &StageHits::stage);
        if (found != skipped->end())
            found->hits += hits;
        else
            skipped->push_back({one.stage, hits});
    }
}

Tracer::Tracer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;
Tracer::~Tracer() = default;

Result<Tracer> Tracer::start(LiveKernel& kernel, const TraceOptions& options) {
    auto blueprint = make_plan(kernel);
    if (!blueprint) return tl::unexpected(blueprint.error());
    auto state = std::make_unique<State>();
    state->blueprint = std::move(*blueprint);
    const auto offset = kernel.types.offset("bpf_link_info", {"perf_event", "kprobe", "missed"});
    if (offset) {
        state->skipped.emplace();
        state->skipped_offset = *offset;
    }

    const Status started = state->load(kernel, options)
                               .and_then([&] { return state->attach(options.filter.ancestor != 0); })
                               .and_then([&] { return state->check(kernel); });
    if (!started) return tl::unexpected(started.error());
    return Tracer(std::move(state));
}

const Plan& Tracer::plan() const {
    return state_->blueprint.plan;
}

void Tracer::arm() {
    state_->set_mode(SR_MODE_ARMED);
}

int Tracer::readable_fd() const {
    return state_->wakeups.get();
}

std::size_t Tracer::read(const Sink& sink) {
    return state_->read(sink);
}

void Tracer::disarm() {
    state_->set_mode(SR_MODE_CLOSING);
}

void Tracer::close(const Sink& sink) {
    if (std::exchange(state_->closed, true)) return;
    disarm();
    state_->count_skipped();
    state_->attached.clear();
    state_->read(sink);
    char nothing[64];
    while (::read(state_->sweep.get(), nothing, sizeof nothing) > 0) {
    }
    state_->sweep.reset();
    state_->read(sink);
    const auto cpus = state_->mapped.cpus();
    state_->final_counters.assign(cpus.begin(), cpus.end());
}

std::vector<sr_counters> Tracer::counters() const {
    if (state_->closed) return state_->final_counters;
    const auto cpus = state_->mapped.cpus();
    return {cpus.begin(), cpus.end()};
}

const std::optional<std::vector<StageHits>>& Tracer::skipped() const {
    return state_->skipped;
}

}  // namespace sockray
