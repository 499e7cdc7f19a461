// sockray compare-methods: drives each way to send in turn, and shows what each costs and where.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "user/analyze/method_costs.h"
#include "user/analyze/method_rounds.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
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

struct Ways {
    std::vector<SocketOptions> sockets;  // by way
    MethodRounds rounds;
};

Ways all_ways(const Interface& interface, unsigned batch) {
    std::vector<SocketOptions> sockets;
    std::vector<MethodRuns> runs;
    for (const bool bypass : {false, true})
        for (const SendMethod method : send_methods) {
            SocketOptions& socket = sockets.emplace_back();
            socket.method = method;
            socket.bypass = bypass;
            socket.batch = is_batched(method) ? batch : 0;
            MethodRuns& way = runs.emplace_back();
            way.method = method_name(method);
            way.bypass = bypass;
            if (const Status fits = check_socket(interface, socket); !fits) way.refused = fits.error().what;
        }
    return {std::move(sockets), MethodRounds(std::move(runs))};
}

// Tracing, for as long as it lives.
struct Tracing {
    explicit Tracing(Tracer&& started) : tracer(std::move(started)) {}
    Tracer tracer;
    Output unused{-1};  // what a session shows of itself stays unread
    TimesByThread sends;
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
    tracing->session->prepare(options.stages);
    tracing->session->start();
    return tracing;
}

class RoundsDriver {
  public:
    RoundsDriver(const CompareMethodsOptions& options, DriveOptions drive, StopSignals& signals)
        : options_(options),
          drive_(std::move(drive)),
          signals_(signals),
          ways_(all_ways(drive_.interface, options.batch)) {}

    // All rounds, traced where there is `tracing`. False: a signal ended them.
    bool run_rounds(Tracing* tracing) {
        if (tracing) drive_.ahead = options_.tracing.ring_bytes / (2 * (sizeof(sr_send) + 4 * sizeof(sr_frame)));
        for (unsigned round = 0; round < options_.rounds; round++)
            for (const std::size_t way : order_of_round(ways_.rounds.size(), round, options_.rounds)) {
                if (!ways_.rounds.is_refused(way)) run_round(way, tracing);
                if (interrupted_) return false;
            }
        return true;
    }

    MethodRounds& rounds() { return ways_.rounds; }

  private:
    void run_round(std::size_t way, Tracing* tracing) {
        DriveOptions drive = drive_;
        drive.socket = ways_.sockets[way];
        drive.opened = [] { drop_privileges(); };
        Status fits = check_options(drive);
        Driver driver(drive);
        if (fits) fits = driver.start();
        if (!fits) return ways_.rounds.refuse(way, fits.error().what);
        const std::uint32_t tid = driver.tids().front();
        if (tracing) tracing->sends.expect(tid);
        const RoundSum sum = pump(driver, tracing);
        if (interrupted_) return;
        if (tracing)
            ways_.rounds.add_traced(way, sum, tid);
        else
            ways_.rounds.add(way, sum);
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
    Ways ways_;
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
Status run_traced(RoundsDriver& all, Result<std::unique_ptr<LiveKernel>>& kernel, const CompareMethodsOptions& options,
                  const StopSignals& signals, bool& interrupted, std::optional<Ledger>& ledger) {
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
    session.finish();
    ledger = session.ledger();
    all.rounds().take_times((*tracing)->sends);
    return {};
}

// What tracing lost the text says itself; beside JSON, which has it by method, standard error does. Returns whether the
// counts cannot be trusted.
bool say_wrong(const Ledger& ledger, bool json) {
    if (const std::uint64_t lost = ledger.sends.lost.total(); lost && json)
        say(fmt::format("tracing lost {} of {}: times of stages are of the others", lost,
                        count_of(ledger.sends.seen, "send")));
    if (ledger.partial && json)
        say(fmt::format("{} the return of a stage: its time is missing in the sums",
                        count_of(ledger.partial, "send lacks", "sends lack")));
    return say_imbalance(ledger);
}

}  // namespace

int compare_methods(const CompareMethodsOptions& options) {
    end_by_signals();
    auto drive = drive_options(options);
    if (!drive) return say_error(drive.error());
    StopSignals signals;
    RoundsDriver all(options, *drive, signals);
    // Opened first, so that nobody waits for a refusal; attached behind the rounds without it.
    std::optional<Result<std::unique_ptr<LiveKernel>>> kernel;
    if (!options.no_trace) kernel = LiveKernel::open(Purpose::tracing, options.tracing.btf);
    bool interrupted = !all.run_rounds(nullptr);
    Status traced;
    std::optional<Ledger> ledger;  // of the traced rounds
    if (kernel && !interrupted) traced = run_traced(all, *kernel, options, signals, interrupted, ledger);

    const std::vector<MethodCost> costs = method_costs(all.rounds().ways());
    Output out(STDOUT_FILENO, signals.fd());
    if (options.json)
        append_method_costs_json(out.buffer(), costs);
    else
        append_method_costs_text(
            out.buffer(), costs,
            {drive->interface.name, options.count, options.rounds, options.batch, ledger ? &*ledger : nullptr},
            style_of(STDOUT_FILENO));
    out.flush();
    if (say_output_error(out)) return exit_failed;
    if (ledger && say_wrong(*ledger, options.json)) return exit_failed;
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
    for (CLI::Option* of_tracing : add_tracing_options(verb, options->tracing)) of_tracing->excludes(no_trace);
    verb.add_flag("--json", options->json, "one JSON object a method");
    verb.footer(compare_methods_footer);
    verb.callback([options, &action] { action = [options] { return compare_methods(*options); }; });
}

}  // namespace sockray
