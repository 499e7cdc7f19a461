#include "user/probe/tracer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <malloc.h>
#include <trace.skel.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <iterator>
#include <variant>

#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/decode/decode.h"
#include "user/probe/attachments.h"
#include "user/probe/casts.h"
#include "user/probe/check_send.h"
#include "user/probe/counters.h"
#include "user/probe/edges.h"
#include "user/probe/live_kernel.h"
#include "user/probe/load_error.h"
#include "user/probe/plan.h"
#include "user/probe/private_sends.h"
#include "user/probe/program_barrier.h"
#include "user/probe/record_ring.h"
#include "user/probe/refusals.h"
#include "user/probe/settings.h"
#include "user/probe/trace_program.h"
#include "user/probe/trial.h"

namespace sockray {
struct Tracer::State {
    Blueprint blueprint;
    std::unique_ptr<trace_bpf, DestroyTraceProgram> program;
    Fd program_types;
    FentryTargets targets;
    MappedCounters mapped;
    Attachments attached;
    Edges edges;
    ProgramBarrier running;
    RecordRing ring;
    std::optional<SkipCounts> skip_counts;
    std::optional<std::vector<SkippedHits>> skipped_before, skipped_by_end;  // none: not yet, or not to be read
    std::optional<std::vector<StageHits>> skipped;                           // in between, from close() on
    std::vector<Stage> uncounted;
    std::optional<TracingCost> cost;
    PrivateSockets private_sockets;
    std::future<void> private_sockets_closed;  // from arm() on: the kernel takes its time
    std::vector<sr_counters> final_counters;
    std::vector<std::uint64_t> final_in_flight;
    bool stopped = false;
    bool hooks_ended = false;  // behind stop(): none runs any more
    bool closed = false;

    // These three return what the kernel refused: then another State is made without it.
    Result<std::vector<Refusal>> prepare(LiveKernel& kernel, const TraceOptions& options);
    Result<std::vector<Refusal>> load(const LiveKernel& kernel);
    Result<std::vector<Refusal>> attach_hooks(const LiveKernel& kernel, int stop_fd);
    Status open_ring();
    Status attach_edges();
    Status check(const LiveKernel& kernel, const PrivateSockets& sockets);
    void calibrate(const PrivateSockets& sockets, const std::vector<double>& without);
    Status sees_frames(const TraceOptions& options) const;
    void look_for_counts(const LiveKernel& kernel);
    void drop_stage(Stage stage, const std::string& reason);
    void set_mode(std::uint32_t mode) { std::atomic_ref(program->bss->mode).store(mode); }
    std::size_t read(const Sink& to) { return ring.read(to, most_read); }
    Status count_skipped();
    Result<std::vector<std::uint64_t>> flying() const;
    void wait_for_open_sends(const Sink& to);
};

Result<std::vector<Refusal>> Tracer::State::prepare(LiveKernel& kernel, const TraceOptions& options) {
    const LibbpfLog log;
    auto opened = open_trace_program(kernel.types);
    if (!opened) return tl::unexpected(opened.error());
    program = std::move(opened->program);
    program_types = std::move(opened->types);
    auto selection = select_programs(*program, blueprint, kernel.types);
    if (!selection.refusals.empty()) return selection.refusals;
    targets = std::move(selection.targets);
    edges.select(*program, options.stages, options.filter.ancestor != 0, options.taps);

    const int cpus = cpu_numbers();
    if (cpus < 1) return fail("cannot tell how many CPUs there are", "mount sysfs on /sys");
    bpf_map__set_max_entries(program->maps.ring, ring_size(options.ring_bytes));
    bpf_map__set_max_entries(program->maps.counters, static_cast<std::uint32_t>(cpus));
    bpf_map__set_max_entries(program->maps.flights, options.in_flight);
    // Read-only data: written before the load, constant for the verifier from then on.
    sr_config config = make_config(kernel, options);
    if (const auto casts = find_casts(kernel)) {
        if (Status put = put_casts(program->obj, *casts); !put) return tl::unexpected(put.error());
        config.casts = 1;
    }
    std::memcpy(const_cast<sr_config*>(reinterpret_cast<const volatile sr_config*>(&program->rodata->config)), &config,
                sizeof config);
    const std::vector<sr_instruction> code = filter_code(options.filter.frames);
    if (code.size() > SR_FILTER_MOST) return fail("the filter has too many instructions");
    std::copy(code.begin(), code.end(), const_cast<sr_instruction*>(program->rodata->filter_code));
    return {};
}

// A program that the verifier refuses fails the whole object, and libbpf does not say which one it was: so those that
// BTF describes are tried one by one with a program that does nothing, and where none fails all of them are given up.
Result<std::vector<Refusal>> Tracer::State::load(const LiveKernel& kernel) {
    const LibbpfLog log;
    const FentryTargets::Use use(targets);
    const int error = trace_bpf::load(program.get());
    if (!error) return map_zeros(*program).map([] { return std::vector<Refusal>(); });
    const Error what = load_error("load the tracing programs", -error, log);
    const std::string verifier = log.verifier_words();
    const std::string words = verifier.empty() ? "" : "the verifier refuses " + verifier;
    if (error == -EPERM) return tl::unexpected(what);
    for (const Backend backend : {Backend::fentry, Backend::kprobe_multi}) {
        std::vector<Refusal> refusals;
        for (Refusal& one : refuse_hooks(blueprint, backend, ""))
            if (one.reason = try_hook(kernel, backend, blueprint.plan.find(one.stage)->function, 0);
                !one.reason.empty())
                refusals.push_back(std::move(one));
        if (refusals.empty()) refusals = refuse_hooks(blueprint, backend, words.empty() ? what.what : words);
        if (!refusals.empty()) return refusals;
    }
    return tl::unexpected(what);
}

Status Tracer::State::open_ring() {
    if (!mapped.map(bpf_map__fd(program->maps.counters), bpf_map__max_entries(program->maps.counters)))
        return fail(fmt::format("cannot map the tracing counters: {}", errno_text(errno)));
    return ring.open(bpf_map__fd(program->maps.ring));
}

Result<std::vector<Refusal>> Tracer::State::attach_hooks(const LiveKernel& kernel, int stop_fd) {
    return attached.attach(program->obj, blueprint.hooks, kernel, stop_fd);
}

Status Tracer::State::attach_edges() {
    const auto lost = edges.attach(*program, attached);
    if (!lost) return tl::unexpected(lost.error());
    for (const auto& [stage, reason] : *lost) withdraw(blueprint, stage, reason);
    return {};
}

void Tracer::State::drop_stage(Stage stage, const std::string& reason) {
    attached.drop(stage);
    withdraw(blueprint, stage, reason);
}

Status Tracer::State::check(const LiveKernel& kernel, const PrivateSockets& sockets) {
    const auto announce = [this](std::uint32_t tid) { std::atomic_ref(program->bss->check_tid).store(tid); };
    std::atomic_ref(program->bss->check_stacks).store(1);
    if (Status status = make_check_sends(sockets, announce); !status) return status;
    std::atomic_ref(program->bss->check_stacks).store(0);
    CheckRecords records;
    read([&](std::span<const std::byte> bytes) {
        const auto record = decode(bytes);
        if (!record) return;
        if (const auto* send = std::get_if<sr_send>(&*record)) records.sends.push_back(*send);
        if (const auto* stack = std::get_if<sr_stack>(&*record)) records.stacks.push_back(*stack);
    });
    for (const auto& [stage, reason] : review_check(blueprint.plan, records, *kernel.symbols).withdrawn)
        drop_stage(stage, reason);
    std::ranges::fill(mapped.cpus(), sr_counters{});  // the check is not part of anybody's ledger
    return {};
}

// `without`: what the same sends took before the hooks were attached.
void Tracer::State::calibrate(const PrivateSockets& sockets, const std::vector<double>& without) {
    const auto announce = [this](std::uint32_t tid) { std::atomic_ref(program->bss->check_tid).store(tid); };
    const std::vector<double> with =
        time_private_sends(sockets, announce, [this] { read([](std::span<const std::byte>) {}); });
    cost = tracing_cost(without, with);
    std::ranges::fill(mapped.cpus(), sr_counters{});
}

// A filter looks at frames as they are handed on: without these hooks it would let everything pass.
Status Tracer::State::sees_frames(const TraceOptions& options) const {
    if (options.filter.frames.expression.empty()) return {};
    for (const Stage stage : {Stage::queue_xmit, Stage::direct_xmit})
        if (const PlanLine* line = blueprint.plan.find(stage); !line || line->evidence != Evidence::probed)
            return not_allowed(fmt::format("frames cannot be filtered: {} has no hook{}", stage_name(stage),
                                           line && !line->reason.empty() ? ": " + line->reason : ""),
                               "trace without an expression, or with --stages that has it");
    return {};
}

void Tracer::State::look_for_counts(const LiveKernel& kernel) {
    skip_counts.emplace(kernel.types);
    for (const Hook& hook : blueprint.hooks) {
        if (hook.on_return) continue;
        if (!skip_counts->counted(hook.backend)) uncounted.push_back(hook.stage);
    }
}

// Sends that are inside the kernel as tracing ends may still give their frames to a queue. Those that sleep are left.
void Tracer::State::wait_for_open_sends(const Sink& to) {
    constexpr int rounds = 25;
    constexpr timespec pause{0, 2'000'000};
    for (int i = 0; i < rounds; i++) {
        std::uint64_t open = 0;
        for (const sr_counters& cpu : mapped.cpus())
            open += cpu.sends_begun - cpu.ring_idle - cpu.filtered - cpu.sends_emitted;
        if (open == 0) return;
        read(to);
        ::nanosleep(&pause, nullptr);
    }
}

Status Tracer::State::count_skipped() {
    if (!skipped_before || !skipped_by_end)
        return fail("cannot read how many hits the kernel skipped: the ledger does not have them");
    skipped = skipped_by_stage(skipped_since(*skipped_before, *skipped_by_end));
    return {};
}

Result<std::vector<std::uint64_t>> Tracer::State::flying() const {
    std::vector<std::uint64_t> ids;
    const int map = bpf_map__fd(program->maps.flights);
    std::uint64_t key = 0;
    int error = bpf_map_get_next_key(map, nullptr, &key);
    for (; error == 0; error = bpf_map_get_next_key(map, &key, &key)) {
        sr_flight flight{};
        if (bpf_map_lookup_elem(map, &key, &flight) == 0) ids.push_back(flight.id);
    }
    if (error != -ENOENT)
        return fail(fmt::format("cannot read which frames are still under way: {}; they are told as unknown",
                                errno_text(-error)));
    return ids;
}

Tracer::Tracer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tracer::Tracer(Tracer&&) noexcept = default;
Tracer& Tracer::operator=(Tracer&&) noexcept = default;
Tracer::~Tracer() = default;

// What works is found by doing it: where the kernel refuses a hook, everything is taken away again and the plan is made
// anew without it. So nothing is attached before everything is loaded, and a stage never has hooks of two kinds.
Result<Tracer> Tracer::start(LiveKernel& kernel, const TraceOptions& options) {
    const auto blueprint = make_plan(kernel, options.stages);
    if (!blueprint) return tl::unexpected(blueprint.error());
    auto opening = open_private_sockets();
    Result<PrivateSockets> sockets = fail("not open yet");
    std::vector<double> without;  // the hooks
    std::vector<Refusal> refusals = unfit_backends(blueprint->plan, kernel, options.backend.has_value());
    for (;;) {
        if (is_readable(options.stop_fd)) return interrupted();
        auto state = std::make_unique<State>();
        state->blueprint = *blueprint;
        if (Status chosen = choose_backends(state->blueprint, options.backend, refusals); !chosen)
            return tl::unexpected(chosen.error());
        auto refused = state->prepare(kernel, options);
        if (refused && refused->empty()) refused = state->load(kernel);
        if (opening.valid()) sockets = opening.get();
        if (!sockets) return tl::unexpected(sockets.error());
        if (options.calibrate && refused && refused->empty() && without.empty())
            without = time_private_sends(
                *sockets, [](std::uint32_t) {}, [] {});
        if (refused && refused->empty()) refused = state->attach_hooks(kernel, options.stop_fd);
        if (!refused) return tl::unexpected(refused.error());
        if (!refused->empty()) {
            std::ranges::move(*refused, std::back_inserter(refusals));
            continue;
        }
        auto barrier = ProgramBarrier::make();
        if (!barrier) return tl::unexpected(barrier.error());
        state->running = std::move(*barrier);
        const Status started = state->open_ring().and_then([&] { return state->attach_edges(); }).and_then([&] {
            return state->check(kernel, *sockets);
        });
        if (!started) return tl::unexpected(started.error());
        if (is_readable(options.stop_fd)) return interrupted();
        if (Status seen = state->sees_frames(options); !seen) return tl::unexpected(seen.error());
        if (options.calibrate) state->calibrate(*sockets, without);
        state->private_sockets = std::move(*sockets);
        state->look_for_counts(kernel);
        if (options.try_alternatives) try_alternatives(state->blueprint.plan, kernel);
        ::malloc_trim(0);  // what loading took, the types of the whole kernel above all: 20 MiB
        return Tracer(std::move(state));
    }
}

const std::optional<TracingCost>& Tracer::cost() const {
    return state_->cost;
}

const Plan& Tracer::plan() const {
    return state_->blueprint.plan;
}

void Tracer::set_taps(std::span<const std::uint64_t> inodes) {
    auto& taps = *state_->program->bss;
    const std::size_t count = std::min(inodes.size(), std::size(taps.tap_sockets));
    std::copy_n(inodes.begin(), count, taps.tap_sockets);
    std::atomic_ref(taps.tap_count).store(static_cast<std::uint32_t>(count));
}

void Tracer::prepare_to_arm() {
    state_->skipped_before = state_->attached.skipped(*state_->skip_counts);
}

void Tracer::arm() {
    state_->set_mode(SR_MODE_ARMED);
    // Who asks for devices before waits for the end of a namespace (rtnl_mutex).
    state_->private_sockets_closed = close_private_sockets(std::move(state_->private_sockets));
}

int Tracer::readable_fd() const {
    return state_->ring.readable_fd();
}

std::size_t Tracer::read(const Sink& sink) {
    return state_->read(sink);
}

std::uint64_t Tracer::written() const {
    return state_->ring.written();
}

std::uint64_t Tracer::read_to() const {
    return state_->ring.read_to();
}

void Tracer::disarm() {
    state_->set_mode(SR_MODE_CLOSING);
}

void Tracer::stop(const Sink& sink) {
    if (std::exchange(state_->stopped, true)) return;
    disarm();
    state_->wait_for_open_sends(sink);
    state_->set_mode(SR_MODE_DONE);
    state_->skipped_by_end = state_->attached.skipped(*state_->skip_counts);
    state_->hooks_ended = state_->running.wait().has_value();
}

Status Tracer::close(const Sink& sink) {
    if (std::exchange(state_->closed, true)) return {};
    stop(sink);
    const Status skipped = state_->count_skipped();
    if (!state_->hooks_ended) state_->attached.clear();  // which waits for them too, and for more
    while (state_->read(sink) > 0) {
    }
    const Status swept = state_->edges.sweep();
    while (state_->read(sink) > 0) {
    }
    const auto cpus = state_->mapped.cpus();
    state_->final_counters.assign(cpus.begin(), cpus.end());
    auto flying = state_->flying();
    if (flying) state_->final_in_flight = std::move(*flying);
    state_->attached.begin_clear();
    std::string wrong;
    const auto note = [&wrong](const Error& error) { wrong += (wrong.empty() ? "" : "; ") + error.what; };
    if (!swept) note(swept.error());
    if (!flying) note(flying.error());
    if (!skipped) note(skipped.error());
    return wrong.empty() ? Status{} : fail(wrong);
}

bool Tracer::gone_by(std::chrono::steady_clock::time_point when) const {
    return state_->attached.gone_by(when);
}

bool Tracer::filters_frames() const {
    return state_->program->rodata->config.filtering != 0;
}

std::size_t Tracer::most_in_flight() const {
    return bpf_map__max_entries(state_->program->maps.flights);
}

const std::vector<std::uint64_t>& Tracer::in_flight() const {
    return state_->final_in_flight;
}

std::vector<sr_counters> Tracer::counters() const {
    if (state_->closed) return state_->final_counters;
    const auto cpus = state_->mapped.cpus();
    return {cpus.begin(), cpus.end()};
}

const std::optional<std::vector<StageHits>>& Tracer::skipped() const {
    return state_->skipped;
}

const std::vector<Stage>& Tracer::uncounted() const {
    return state_->uncounted;
}

}  // namespace sockray
