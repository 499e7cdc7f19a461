// sockray run: drives traffic, traces it, and joins both.
#include <poll.h>
#include <unistd.h>

#include <vector>

#include "user/base/clock.h"
#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/base/frame_filter.h"
#include "user/base/same_file.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/cli/device_delta.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/recording.h"
#include "user/cli/session.h"
#include "user/cli/signals.h"
#include "user/cli/verbs.h"
#include "user/drive/capture_file.h"
#include "user/drive/driver.h"
#include "user/drive/frame.h"
#include "user/live/progress.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"
#include "user/record/file_names.h"

namespace sockray {
namespace {

constexpr int read_every_ms = 5;

// The frames of a file: all of them once, unless a count says otherwise, and at their own times unless a rate does.
Status take_capture(const RunOptions& options, DriveOptions& drive) {
    const auto capture = read_capture(options.read);
    if (!capture) return tl::unexpected(capture.error());
    if (capture->cut)
        say(fmt::format("{} of {} in {} {} cut off by the capture, and sent as short as that", capture->cut,
                        count_of(capture->count, "frame"), printable_name(options.read),
                        verb_of(capture->cut, "was", "were")));
    drive.frames = capture->frames;
    drive.own_timing = !options.rate;
    if (!options.count) drive.count = capture->count;
    if (drive.own_timing && !options.socket.batch && is_batched(options.socket.method)) drive.socket.batch = 1;
    return {};
}

Status make_template(const RunOptions& options, DriveOptions& drive) {
    const auto magic = random_cookie_magic();
    if (!magic) return tl::unexpected(magic.error());
    const auto frames = make_frames(drive.interface, options.frame, *magic);
    if (!frames) return tl::unexpected(frames.error());
    drive.frames = *frames;
    return {};
}

// What needs no look at the interface.
Status check_run(const RunOptions& options) {
    if (!options.count && options.read.empty())
        return usage("how many sends? --count is required (with -r FILE: each of its frames once, without it)",
                     "for example: -c 100");
    if (!options.read.empty() && options.read != "-" && is_same_file(options.read, options.record.write))
        return usage(
            fmt::format("-r and -w both name {}: the recording would overwrite the frames", printable(options.read)));
    const Rotation& rotation = options.record.rotation;
    if (!options.read.empty() && options.read != "-" && !options.record.write.empty() && rotation.is_on() &&
        FileNames(options.record.write, rotation).may_be(options.read))
        return usage(
            fmt::format("-r names {}, which a file of the recording may come to be called (-w, -C, -G): it would "
                        "overwrite the frames",
                        printable(options.read)),
            "record under another name, or into another folder");
    if (Status frame = check_frame(options.frame); !frame) return frame;
    if (!options.read.empty() && options.socket.type == SocketType::dgram)
        return usage("--socket dgram cannot send the frames of a file (-r) as they are: the kernel builds the header",
                     "use --socket raw");
    return check_frame_on(options.frame, options.socket);
}

// Bytes of the ring that one send may take: its own record, and those of its frame where it can outlive the send.
std::uint64_t bytes_a_send(const RunOptions& options, std::uint64_t longest_frame) {
    constexpr std::uint64_t largest_gso = 65535;
    constexpr std::uint64_t ring_head = 8;
    const std::uint64_t frames = options.frame.gso ? largest_gso / options.frame.gso + 1 : 1;
    const std::uint64_t records = options.tracing.stages & stage_bit(Stage::freed) ? 3 : 1;
    const std::uint64_t recorded =
        options.record.write.empty()
            ? 0
            : 2 * std::min<std::uint64_t>(longest_frame, options.record.snaplen) + sizeof(sr_piece);
    return sizeof(sr_send) + ring_head + frames * records * (sizeof(sr_frame) + ring_head) + recorded;
}

Result<DriveOptions> drive_options(const RunOptions& options) {
    if (Status valid = check_run(options); !valid) return tl::unexpected(valid.error());
    const auto interface = find_interface(options.interface);
    if (!interface) return tl::unexpected(interface.error());
    if (Status usable = check_usable(*interface); !usable) return tl::unexpected(usable.error());
    DriveOptions drive;
    drive.interface = *interface;
    drive.count = options.count;
    drive.rate = options.rate.value_or(0);
    drive.socket = options.socket;
    drive.threads = options.threads;
    const Status frames = options.read.empty() ? make_template(options, drive) : take_capture(options, drive);
    if (!frames) return tl::unexpected(frames.error());
    // What has been sent and not been read yet fits into the ring, however slowly results are written. (The smallest
    // rings are smaller than what the driver keeps ready: there records are lost, and counted.)
    drive.ahead =
        std::max<std::uint64_t>(1, options.tracing.ring_bytes / bytes_a_send(options, drive.frames->longest()) / 2);
    return check_options(drive).map([&] { return drive; });
}

TraceOptions trace_options(const RunOptions& options, const DriveOptions& drive, const FrameFilter& frames,
                           int stop_fd) {
    TraceOptions trace;
    trace.stop_fd = stop_fd;
    trace.filter.frames = frames;
    trace.filter.tgid = static_cast<std::uint32_t>(::getpid());
    trace.ring_bytes = static_cast<std::uint32_t>(options.tracing.ring_bytes);
    trace.stages = options.tracing.stages;
    trace.in_flight = options.tracing.in_flight;
    if (!options.record.write.empty()) trace.snaplen = options.record.snaplen;
    trace.backend = options.tracing.backend;
    trace.calibrate = !options.tracing.no_calibrate;
    if (const auto cookie = drive.frames->cookie()) {
        trace.cookie_magic = cookie->magic;
        trace.cookie_offset = static_cast<std::uint32_t>(cookie->offset);
    }
    return trace;
}

// Until the driver is done. Returns whether it was interrupted by a signal.
bool pump(Driver& driver, Session& session, Recording& recording, Output& out, StopSignals& signals,
          std::uint64_t count) {
    const std::uint64_t start = monotonic_ns();
    Progress progress(STDERR_FILENO, style_of(STDERR_FILENO), count, start);
    std::vector<DriveEvent> events;
    bool interrupted = false;
    bool output_gone = false;
    for (bool last = false; !last;) {
        pollfd waits[] = {{signals.fd(), POLLIN, 0}, {out.fd(), 0, 0}};
        ::poll(waits, 2, read_every_ms);
        interrupted = interrupted || signals.take() != 0;
        output_gone = output_gone || out.error() != 0 || (waits[1].revents & (POLLERR | POLLNVAL)) != 0;
        if (interrupted || output_gone) driver.stop();
        last = driver.finished();  // before the events are drained: then they are all there
        events.clear();
        driver.drain(events);
        session.add_events(events);
        session.read();
        if (out.buffer().size() > 0) progress.clear();  // they may share a terminal
        out.flush();
        if (recording.failed() || recording.is_full()) driver.stop();
        progress.update(session.progress(), monotonic_ns());
    }
    return interrupted;
}

int verdict(const Session& session, bool interrupted, std::uint64_t count) {
    const Ledger& ledger = session.ledger();
    const bool unbalanced = say_imbalance(ledger);
    if (interrupted) {
        say(fmt::format("interrupted after {} of {}", ledger.driven.value_or(0), count_of(count, "send")));
        return exit_failed;
    }
    if (unbalanced || ledger.contradicted) return exit_failed;  // of the latter the ledger has said so
    if (ledger.attempted() == 0 && ledger.filtered > 0) {
        say(fmt::format("none of {} matched the filter", count_of(ledger.filtered, "send")));
        return exit_failed;
    }
    if (ledger.count(Outcome::delivered) > 0 || ledger.count(Outcome::queued) > 0) return exit_done;
    const auto& reasons = session.summary().reasons().all();
    say(fmt::format("no send was delivered{}{}", reasons.empty() ? "" : ": ",
                    reasons.empty() ? "" : printable(reasons[0].text)));
    return exit_failed;
}

}  // namespace

int run(const RunOptions& options) {
    end_by_signals();
    const auto frames = make_frame_filter(options.expression);
    if (!frames) return say_error(frames.error());
    auto drive = drive_options(options);  // before signals are held: it may wait for a file that is a pipe
    if (!drive) return say_error(drive.error());
    StopSignals signals;
    auto kernel = LiveKernel::open(Purpose::tracing, options.tracing.btf);
    if (!kernel) return say_error(kernel.error());
    auto tracer = Tracer::start(**kernel, trace_options(options, *drive, *frames, signals.fd()));
    if (!tracer) return say_error(tracer.error());
    (*kernel)->types.forget();

    auto recording = Recording::create(options.record, options.json, signals.fd());
    if (!recording) return say_error(recording.error());
    Output out(recording->text_fd(), signals.fd());
    Session session(**kernel, *tracer, out, options.json ? View::json : View::totals, true);
    if (options.without_hooks) session.show_without_hooks();
    session.select_outcomes(options.outcomes);
    recording->attach(session);
    session.prepare(options.tracing.stages);
    session.watch_devices(drive->interface);
    session.start();
    const bool new_files = options.record.rotation.is_on();
    drop_privileges({.net_raw = true, .new_files = new_files});
    drive->opened = [new_files] { drop_privileges({.new_files = new_files}); };
    Driver driver(*drive);
    if (is_readable(signals.fd())) return say_error({ErrorKind::failed, "interrupted before anything was sent", ""});
    if (const Status started = driver.start(); !started) return say_error(started.error());
    drop_privileges({.new_files = new_files});

    const bool interrupted = pump(driver, session, *recording, out, signals, drive->count);
    session.stop();
    if (!interrupted) session.linger(signals.fd());
    session.finish();
    out.flush();
    const bool unrecorded = recording->failed();
    const bool unsaid = say_output_lost(session, out);
    const int status = unsaid || unrecorded ? exit_failed : verdict(session, interrupted, drive->count);
    say_what_is_waited_for(*tracer);
    return status;
}

}  // namespace sockray
