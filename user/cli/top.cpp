// sockray top: who sends right now.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "user/base/clock.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/command.h"
#include "user/cli/device_delta.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/priority.h"
#include "user/cli/privileges.h"
#include "user/cli/session.h"
#include "user/cli/signals.h"
#include "user/cli/target.h"
#include "user/cli/top_display.h"
#include "user/cli/verbs.h"
#include "user/drive/interface.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"

namespace sockray {
namespace {

struct Watched {
    Session& session;
    ActivitySink& activity;
    TopDisplay& display;
};

// When the interval is over. One that was missed is not made up for.
class Intervals {
  public:
    Intervals(std::uint64_t every_ns, std::uint64_t now_ns) : every_ns_(every_ns), next_ns_(now_ns + every_ns) {}
    bool is_over(std::uint64_t now_ns) {
        if (now_ns < next_ns_) return false;
        next_ns_ += ((now_ns - next_ns_) / every_ns_ + 1) * every_ns_;
        return true;
    }
    // Rounded up.
    std::uint64_t left_ms(std::uint64_t now_ns) const {
        return now_ns < next_ns_ ? (next_ns_ - now_ns + 999'999) / 1'000'000 : 0;
    }

  private:
    std::uint64_t every_ns_;
    std::uint64_t next_ns_;
};

Stop pump(const TopOptions& options, Watched watched, const Tracer& tracer, StopSignals& signals, int ended_fd,
          const Output& out) {
    auto& [session, activity, display] = watched;
    Intervals intervals(options.interval_ms * 1'000'000, monotonic_ns());
    std::uint64_t shown = 0;
    for (bool idle = false;;) {
        pollfd waits[] = {{signals.fd(), POLLIN, 0},      {tracer.readable_fd(), POLLIN, 0}, {ended_fd, POLLIN, 0},
                          {display.keys_fd(), POLLIN, 0}, {display.signals_fd(), POLLIN, 0}, {out.fd(), 0, 0}};
        const std::uint64_t wait = std::min<std::uint64_t>(wait_ms(idle), intervals.left_ms(monotonic_ns()));
        ::poll(waits, std::size(waits), static_cast<int>(wait));
        idle = session.read() == 0;
        if (signals.take() != 0) return Stop::asked;
        if ((waits[3].revents | waits[4].revents) != 0 && !display.react()) return Stop::asked;
        const bool ended = (waits[2].revents & POLLIN) != 0;
        if (const std::uint64_t now = monotonic_ns(); intervals.is_over(now) || ended) {
            activity.close_interval(now);
            display.show(session.so_far());
            if (++shown == options.iterations) return Stop::enough;
        }
        if (ended) return Stop::watched_gone;
        if (display.error() != 0 || (waits[5].revents & (POLLERR | POLLNVAL)) != 0) return Stop::output_gone;
    }
}

}  // namespace

int top(const TopOptions& options) {
    end_by_signals();
    auto target = find_target(options.select);
    if (!target) return say_error(target.error());
    StopSignals signals;
    auto kernel = LiveKernel::open(Purpose::tracing, options.tracing.btf);
    if (!kernel) return say_error(kernel.error());
    auto tracer = Tracer::start(**kernel, trace_options(options.select, *target, options.tracing, signals.fd()));
    if (!tracer) return say_error(tracer.error());
    (*kernel)->types.forget();

    Output out(STDOUT_FILENO, signals.fd());
    ActivitySink activity;
    Session session(**kernel, *tracer, out, View::none, false);
    session.add_sink(activity);
    session.prepare(options.tracing.stages);
    std::unique_ptr<Window> window;
    if (!options.batch && Window::is_possible()) {
        auto opened = Window::open(signals.fd());
        if (!opened) return say_error(opened.error());
        window = std::move(*opened);
    }
    session.watch_devices(target->interface);
    session.start();
    if (!window) say("ready");
    TopDisplay display(activity, out, std::move(window), options.sort);
    go_before_others();
    drop_privileges();
    const Stop stop = pump(options, {session, activity, display}, *tracer, signals, target->process.get(), out);
    session.stop();
    if (stop == Stop::watched_gone) session.linger(signals.fd());
    const int drawn = display.error();
    display.close();  // before anything is said
    session.finish();
    session.summary().append_ledger(out.buffer(), style_of(STDOUT_FILENO));
    out.flush();
    if (stop == Stop::watched_gone) say(fmt::format("process {} has ended", options.select.pid));
    if (out.error() == 0 && drawn != 0) say(fmt::format("cannot draw on the terminal: {}", errno_text(drawn)));
    const bool unsaid = say_output_lost(session, out);
    say_what_is_waited_for(*tracer);
    return unsaid || drawn != 0 ? exit_failed : exit_done;
}

void add_top(CLI::App& app, Action& action) {
    const auto options = std::make_shared<TopOptions>();
    CLI::App& verb = *app.add_subcommand("top",
                                         "who sends right now: rates, outcomes and times, live in the terminal:\n"
                                         "  sockray top [OPTIONS] [EXPRESSION...]");
    add_select_options(verb, options->select);
    add_parsed(verb, "-d,--delay", options->interval_ms, "seconds between two pictures, e.g. 0.5",
               [](const std::string& text) { return parse_seconds(text, 100, 3'600'000); })
        ->type_name("SECONDS")
        ->default_str("1");
    add_number(verb, "-n,--iterations", options->iterations, "end after so many pictures")->type_name("N");
    verb.add_flag("-b,--batch", options->batch, "plain text, one picture below the other; so too without a terminal");
    add_choice(verb, "--sort", options->sort, "who comes first: rate, bytes, drops, latency or pid",
               std::map<std::string, TopSort>{{"rate", TopSort::rate},
                                              {"bytes", TopSort::bytes},
                                              {"drops", TopSort::drops},
                                              {"latency", TopSort::latency},
                                              {"pid", TopSort::pid}})
        ->type_name("KEY")
        ->default_str("rate");
    add_tracing_options(verb, options->tracing);
    verb.footer(top_footer);
    verb.callback([options, &action] { action = [options] { return top(*options); }; });
}

}  // namespace sockray
