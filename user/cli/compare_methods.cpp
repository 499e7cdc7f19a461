// sockray compare-methods: drives each way to send in turn, and shows what each costs and where.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "user/analyze/method_costs.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/session.h"
#include "user/cli/signals.h"
#include "user/cli/verbs.h"
#include "user/drive/driver.h"
#include "user/drive/frame.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"
#include "user/report/method_costs_json.h"
#include "user/report/method_costs_text.h"

namespace sockray {
namespace {

// One way to send, and what was measured of it.
struct Way {
    SocketOptions socket;
    MethodRuns runs;
};

std::vector<Way> all_ways(const Interface& interface, unsigned batch) {
    std::vector<Way> ways;
    for (const bool bypass : {false, true})
        for (const SendMethod method : send_methods) {
            Way& way = ways.emplace_back();
            way.socket.method = method;
            way.socket.bypass = bypass;
            way.socket.batch = is_batched(method) ? batch : 0;
            way.runs.method = method_name(method);
            way.runs.bypass = bypass;
            if (const Status fits = check_socket(interface, way.socket); !fits) way.runs.refused = fits.error().what;
        }
    return ways;
}

// Sums the driver's events up to one round.
class RoundSum {
  public:
    void add(const DriveEvent& event) {
        if (event.ret >= 0)
            round_.frames++;
        else
            round_.refused++;
        if (event.ret < 0 && event.err) error_ = event.err;
        if (first_ns_ == 0) first_ns_ = event.before_ns;
        round_.wall_ns = event.after_ns - first_ns_;
        if (event.before_ns == call_ns_) return;  // of the same call
        call_ns_ = event.before_ns;
        round_.calls++;
        round_.call_ns += event.after_ns - event.before_ns;
    }
    const MethodRound& round() const { return round_; }
    int error() const { return error_; }

  private:
    MethodRound round_;
    std::uint64_t first_ns_ = 0;
    std::uint64_t call_ns_ = 0;
    int error_ = 0;
};

// Which round of which way a send is of: by the thread that made it, of which each round has its own.
class SendsByThread : public Sink {
  public:
    void begin(const Origin&, const Plan& plan, const KernelNames&) override { plan_ = &plan; }
    void send(const Send& send) override {
        if (const auto round = rounds_.find(send.record.tid); round != rounds_.end()) round->second.add(send, *plan_);
    }
    void expect(std::uint32_t tid) { rounds_[tid] = {}; }
    const MethodTimes& of(std::uint32_t tid) { return rounds_[tid]; }

  private:
    const Plan* plan_ = nullptr;
    std::unordered_map<std::uint32_t, MethodTimes> rounds_;
};

// Tracing, for as long as it lives.
struct Tracing {
    explicit Tracing(Tracer&& started) : tracer(std::move(started)) {}
    Tracer tracer;
    Output unused{-1};  // what a session shows of itself stays unread
    SendsByThread sends;
    std::unique_ptr<Session> session;
};

Result<std::unique_ptr<Tracing>> start_tracing(LiveKernel& kernel, const TracingOptions& options, int stop_fd) {
    TraceOptions trace;
    trace.stop_fd = stop_fd;
    trace.filter.tgid = static_cast<std::uint32_t>(::getpid());
    trace.ring_bytes = static_cast<std::uint32_t>(options.ring_bytes);
    trace.stages = options.stages;
    trace.in_flight = options.in_flight;
    trace.backend = options.backend;
    auto tracer = Tracer::start(kernel, trace);
    if (!tracer) return tl::unexpected(tracer.error());
    auto tracing = std::make_unique<Tracing>(std::move(*tracer));
    tracing->session = std::make_unique<Session>(kernel, tracing->tracer, tracing->unused, View::totals, false);
    tracing->session->add_sink(tracing->sends);
    tracing->session->start(options.stages);
    return tracing;
}

class MethodRounds {
  public:
    MethodRounds(const CompareMethodsOptions& options, DriveOptions drive, StopSignals& signals)
        : options_(options), drive_(std::move(drive)), signals_(signals) {
        ways_ = all_ways(drive_.interface, options.batch);
    }

    // All rounds, traced where there is `tracing`. False: a signal ended them.
    bool run_rounds(Tracing* tracing) {
        if (tracing) drive_.ahead = options_.tracing.ring_bytes / (2 * (sizeof(sr_send) + 4 * sizeof(sr_frame)));
        for (unsigned round = 0; round < options_.rounds; round++)
            for (const std::size_t number : order_of_round(ways_.size(), round, options_.rounds)) {
                if (ways_[number].runs.refused.empty()) run_round(ways_[number], tracing);
                if (interrupted_) return false;
            }
        return true;
    }

    // Behind the end of the session: then all sends have been told.
    void take_times(SendsByThread& sends) {
        for (const auto& [way, tid] : traced_) way->runs.times.push_back(sends.of(tid));
    }

    std::vector<MethodCost> costs() const {
        std::vector<MethodRuns> runs;
        for (const Way& way : ways_) runs.push_back(way.runs);
        return method_costs(runs);
    }

  private:
    void run_round(Way& way, Tracing* tracing) {
        DriveOptions drive = drive_;
        drive.socket = way.socket;
        drive.opened = [] { drop_privileges(); };
        Status fits = check_options(drive);
        Driver driver(drive);
        if (fits) fits = driver.start();
        if (!fits) {
            way.runs.refused = fits.error().what;
            return;
        }
        const std::uint32_t tid = driver.tids().front();
        if (tracing) tracing->sends.expect(tid);
        const RoundSum sum = pump(driver, tracing);
        if (interrupted_) return;
        if (sum.round().frames == 0) {
            way.runs.refused = fmt::format("no frame was taken{}{}", sum.error() ? ": " : "",
                                           sum.error() ? errno_name(sum.error()) : "");
            return;
        }
        (tracing ? way.runs.traced : way.runs.untraced).push_back(sum.round());
        if (tracing) traced_.emplace_back(&way, tid);
    }

    RoundSum pump(Driver& driver, Tracing* tracing) {
        constexpr int every_ms = 1;
        RoundSum sum;
        std::vector<DriveEvent> events;
        for (bool last = false; !last;) {
            pollfd stop{signals_.fd(), POLLIN, 0};
            ::poll(&stop, 1, every_ms);
            interrupted_ = interrupted_ || signals_.take() != 0;
            if (interrupted_) driver.stop();
            last = driver.finished();
            events.clear();
            driver.drain(events);
            for (const DriveEvent& event : events) sum.add(event);
            if (tracing) tracing->session->read();
        }
        return sum;
    }

    const CompareMethodsOptions& options_;
    DriveOptions drive_;
    StopSignals& signals_;
    std::vector<Way> ways_;
    std::vector<std::pair<Way*, std::uint32_t>> traced_;
    bool interrupted_ = false;
};

Result<DriveOptions> drive_options(const CompareMethodsOptions& options) {
    FrameSpec spec;
    spec.size = options.size;
    if (Status frame = check_frame(spec); !frame) return tl::unexpected(frame.error());
    const auto interface = find_interface(options.interface);
    if (!interface) return tl::unexpected(interface.error());
    if (Status usable = check_usable(*interface); !usable) return tl::unexpected(usable.error());
    const auto magic = random_cookie_magic();
    if (!magic) return tl::unexpected(magic.error());
    const auto frames = make_frames(*interface, spec, *magic);
    if (!frames) return tl::unexpected(frames.error());
    DriveOptions drive;
    drive.interface = *interface;
    drive.count = options.count;
    drive.frames = *frames;
    return drive;
}

// Where it cannot be traced, the throughput is still there to be told.
Status run_traced(MethodRounds& all, Result<std::unique_ptr<LiveKernel>>& kernel, const CompareMethodsOptions& options,
                  const StopSignals& signals, bool& interrupted) {
    if (!kernel) return tl::unexpected(kernel.error());
    auto tracing = start_tracing(**kernel, options.tracing, signals.fd());
    if (!tracing) {
        interrupted = is_readable(signals.fd());
        return tl::unexpected(tracing.error());
    }
    drop_privileges({.net_raw = true});
    interrupted = !all.run_rounds(tracing->get());
    Session& session = *(*tracing)->session;
    session.stop();
    if (!interrupted) session.linger(signals.fd());
    session.finish({});
    all.take_times((*tracing)->sends);
    return {};
}

}  // namespace

int compare_methods(const CompareMethodsOptions& options) {
    end_by_signals();
    auto drive = drive_options(options);
    if (!drive) return say_error(drive.error());
    StopSignals signals;
    MethodRounds all(options, *drive, signals);
    // Opened first, so that nobody waits for a refusal; attached behind the rounds without it.
    std::optional<Result<std::unique_ptr<LiveKernel>>> kernel;
    if (!options.no_trace) kernel = LiveKernel::open(Purpose::tracing, options.tracing.btf);
    bool interrupted = !all.run_rounds(nullptr);
    Status traced;
    if (kernel && !interrupted) traced = run_traced(all, *kernel, options, signals, interrupted);

    const std::vector<MethodCost> costs = all.costs();
    Output out(STDOUT_FILENO, signals.fd());
    if (options.json)
        append_method_costs_json(out.buffer(), costs);
    else
        append_method_costs_text(out.buffer(), costs,
                                 {drive->interface.name, options.count, options.rounds, options.batch},
                                 style_of(STDOUT_FILENO));
    out.flush();
    if (say_output_error(out)) return exit_failed;
    if (interrupted) {
        say("interrupted: what is shown is of the rounds until then");
        return exit_failed;
    }
    if (!traced) {
        say("in which stages the methods differ cannot be told without tracing (--no-trace does not try):");
        return say_error(traced.error());
    }
    const bool any = std::any_of(costs.begin(), costs.end(), [](const MethodCost& one) { return one.refused.empty(); });
    return any ? exit_done : exit_failed;
}

void add_compare_methods(CLI::App& app, Action& action) {
    const auto options = std::make_shared<CompareMethodsOptions>();
    CLI::App& verb =
        *app.add_subcommand("compare-methods", "drive each way to send in turn: what each costs, and in which stage");
    add_text(verb, "-i,--interface", options->interface, "send through this interface")->required()->type_name("IF");
    add_number(verb, "-c,--count", options->count, "frames by each method in each round")
        ->type_name("N")
        ->default_str(std::to_string(options->count));
    constexpr std::uint64_t most_rounds = 1000;
    add_number(verb, "--rounds", options->rounds, "so many without tracing, and as many traced", 1, most_rounds)
        ->type_name("N")
        ->default_str(std::to_string(options->rounds));
    add_number(verb, "--batch", options->batch, "frames that one sendmmsg or one call on a TX ring takes", 1, max_batch)
        ->type_name("N")
        ->default_str(std::to_string(options->batch));
    add_parsed(verb, "--size", options->size, "bytes of each frame, Ethernet header included; A-B: one more each time",
               parse_sizes)
        ->type_name("B|A-B")
        ->default_str("60");
    CLI::Option* no_trace =
        verb.add_flag("--no-trace", options->no_trace, "throughput only: no privilege to trace is needed");
    for (CLI::Option* of_tracing : add_tracing_options(verb, options->tracing)) no_trace->excludes(of_tracing);
    verb.add_flag("--json", options->json, "one JSON object a method");
    verb.footer(compare_methods_footer);
    verb.callback([options, &action] { action = [options] { return compare_methods(*options); }; });
}

}  // namespace sockray
