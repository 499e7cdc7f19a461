// sockray trace: what other programs send.
#include <poll.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/command.h"
#include "user/cli/device_delta.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/priority.h"
#include "user/cli/privileges.h"
#include "user/cli/recording.h"
#include "user/cli/session.h"
#include "user/cli/signals.h"
#include "user/cli/target.h"
#include "user/cli/verbs.h"
#include "user/drive/interface.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"

namespace sockray {
namespace {

// COMMAND is looked up too, before anything is loaded.
Result<Target> find_target(const TraceVerbOptions& options) {
    if (options.select.pid && !options.command.empty()) return usage("-p and a command behind -- exclude each other");
    auto target = find_target(options.select, options.command.empty() ? "; a command to trace goes behind --" : "");
    if (!target || options.command.empty()) return target;
    if (Status found = check_command(options.command.front()); !found) return tl::unexpected(found.error());
    return target;
}

TraceOptions trace_options(const TraceVerbOptions& options, const Target& target, int stop_fd) {
    TraceOptions trace = trace_options(options.select, target, options.tracing, stop_fd);
    if (!options.record.write.empty()) trace.snaplen = options.record.snaplen;
    trace.calibrate = !options.tracing.no_calibrate;
    if (!options.command.empty()) trace.filter.ancestor = static_cast<std::uint32_t>(::getpid());
    return trace;
}

Stop pump(Session& session, const Tracer& tracer, Recording& recording, Output& out, StopSignals& signals,
          int ended_fd) {
    for (bool idle = false;;) {
        pollfd waits[] = {
            {signals.fd(), POLLIN, 0}, {tracer.readable_fd(), POLLIN, 0}, {ended_fd, POLLIN, 0}, {out.fd(), 0, 0}};
        ::poll(waits, 4, wait_ms(idle));
        idle = session.read() == 0;
        out.flush();
        if (signals.take() != 0) return Stop::asked;
        if (session.limit_reached() || recording.is_full()) return Stop::enough;
        recording.failed();  // said at once; what is shown goes on
        if ((waits[2].revents & POLLIN) != 0) return Stop::watched_gone;
        if (out.error() != 0 || (waits[3].revents & (POLLERR | POLLNVAL)) != 0) return Stop::output_gone;
    }
}

std::string nothing_seen(const TraceVerbOptions& options) {
    std::string filters = select_words(options.select);
    if (!options.command.empty())
        filters +=
            fmt::format("{}-- {}", filters.empty() ? "" : ", ", shortened(printable(options.command.front()), 80));
    return filters.empty()
               ? "nobody sent through a packet socket while tracing ran (what ends before packet_sendmsg, as with "
                 "EBADF, is "
                 "no send here)"
               : fmt::format(
                     "no send was seen of those asked for ({}){}", filters,
                     options.command.empty() ? "" : "; what the command left in the background is not traced any more");
}

}  // namespace

int trace(const TraceVerbOptions& options) {
    end_by_signals();
    auto target = find_target(options);
    if (!target) return say_error(target.error());
    StopSignals signals;
    auto kernel = LiveKernel::open(Purpose::tracing, options.tracing.btf);
    if (!kernel) return say_error(kernel.error());
    auto tracer = Tracer::start(**kernel, trace_options(options, *target, signals.fd()));
    if (!tracer) return say_error(tracer.error());
    (*kernel)->types.forget();

    auto recording = Recording::create(options.record, options.json, signals.fd());
    if (!recording) return say_error(recording.error());
    Output out(recording->text_fd(), signals.fd());
    const View view = options.json ? View::json : options.tree ? View::tree : View::lines;
    Session session(**kernel, *tracer, out, view, false);
    if (options.without_hooks) session.show_without_hooks();
    session.limit_sends(options.count);
    session.select_outcomes(options.outcomes);
    recording->attach(session);
    session.prepare(options.tracing.stages);
    session.watch_devices(target->interface);
    session.start();
    std::optional<Command> command;
    std::string failure;
    Stop stop = Stop::asked;
    if (signals.take() != 0) {
        if (!options.command.empty()) failure = "interrupted before COMMAND was started";
    } else {
        say("ready");
        if (!options.command.empty()) {
            auto started = Command::start(options.command, signals);
            if (started)
                command = std::move(*started);
            else
                failure = started.error().what;
        }
        go_before_others();
        drop_privileges({.kill = command.has_value(), .new_files = options.record.rotation.is_on()});
        if (failure.empty())
            stop =
                pump(session, *tracer, *recording, out, signals, command ? command->ended_fd() : target->process.get());
    }
    session.stop();
    if (stop == Stop::watched_gone) session.linger(signals.fd());
    session.finish();
    out.flush();
    if (command && stop == Stop::watched_gone)
        failure = command->failure();
    else if (command)
        command->stop();
    if (!failure.empty()) say(failure);
    if (session.ledger().attempted() == 0) say(nothing_seen(options));
    const bool unrecorded = recording->failed();
    const bool unbalanced = say_imbalance(session.ledger());
    const bool unsaid = say_output_lost(session, out);
    say_what_is_waited_for(*tracer);
    return unsaid || unrecorded || unbalanced || !failure.empty() ? exit_failed : exit_done;
}

void add_trace(CLI::App& app, Action& action, const std::vector<std::string>& command) {
    const auto options = std::make_shared<TraceVerbOptions>();
    CLI::App& verb = *app.add_subcommand("trace",
                                         "trace what other programs send: all, or only COMMAND and what it starts:\n"
                                         "  sockray trace [OPTIONS] [EXPRESSION...] [-- COMMAND ARGS...]");
    add_select_options(verb, options->select);
    add_outcome_option(verb, options->outcomes);
    add_number(verb, "-c,--count", options->count, "end after so many sends")->type_name("N");
    add_tracing_options(verb, options->tracing);
    CLI::Option* no_cost = add_calibrate_option(verb, options->tracing);
    add_record_options(verb, options->record);
    CLI::Option* tree = verb.add_flag("--tree", options->tree, "each send as a tree of stages with their times");
    CLI::Option* without = add_without_hooks_option(verb, options->without_hooks)->excludes(no_cost);
    verb.add_flag("--json", options->json, "one JSON object a line")->excludes(tree)->excludes(without);
    verb.footer(trace_footer);
    verb.callback([options, &action, &command] {
        options->command = command;
        action = [options] { return trace(*options); };
    });
}

}  // namespace sockray
