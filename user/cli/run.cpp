// sockray run: drives traffic, traces it, and joins both.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <vector>

#include "user/base/clock.h"
#include "user/base/terminal.h"
#include "user/cli/device_delta.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/session.h"
#include "user/cli/signals.h"
#include "user/cli/verbs.h"
#include "user/drive/driver.h"
#include "user/drive/frame.h"
#include "user/live/progress.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"

namespace sockray {
namespace {

constexpr int drain_every_ms = 5;

Result<DriveOptions> drive_options(const RunOptions& options) {
    if (Status size = check_frame_size(options.size); !size) return tl::unexpected(size.error());
    const auto interface = find_interface(options.interface);
    if (!interface) return tl::unexpected(interface.error());
    if (Status usable = check_usable(*interface); !usable) return tl::unexpected(usable.error());
    const auto magic = random_cookie_magic();
    if (!magic) return tl::unexpected(magic.error());
    DriveOptions drive;
    drive.interface = *interface;
    drive.count = options.count;
    drive.frame_size = options.size;
    drive.rate = options.rate;
    drive.socket_type = options.socket;
    drive.method = options.method;
    drive.threads = options.threads;
    drive.cookie_magic = *magic;
    // What has been sent and not been read yet fits into the ring, however slowly results are written. (The smallest
    // rings are smaller than what the driver keeps ready: there records are lost, and counted.)
    drive.ahead = options.ring_bytes / sizeof(sr_send) / 2;
    return check_options(drive).map([&] { return drive; });
}

TraceOptions trace_options(const RunOptions& options, const DriveOptions& drive) {
    TraceOptions trace;
    trace.filter.tgid = static_cast<std::uint32_t>(::getpid());
    trace.ring_bytes = static_cast<std::uint32_t>(options.ring_bytes);
    trace.cookie_magic = drive.cookie_magic;
    trace.cookie_offset = cookie_offset;
    return trace;
}

// Until the driver is done. Returns whether it was interrupted by a signal.
bool pump(Driver& driver, Session& session, Output& out, StopSignals& signals, const RunOptions& options) {
    const std::uint64_t start = monotonic_ns();
    Progress progress(STDERR_FILENO, style_of(STDERR_FILENO), options.count, start);
    std::vector<DriveEvent> events;
    bool interrupted = false;
    bool output_gone = false;
    for (bool last = false; !last;) {
        pollfd waits[] = {{signals.fd(), POLLIN, 0}, {out.fd(), 0, 0}};
        ::poll(waits, 2, drain_every_ms);
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
        progress.update(session.progress(), monotonic_ns());
    }
    return interrupted;
}

int verdict(const Session& session, bool interrupted, const RunOptions& options) {
    const Ledger ledger = session.ledger();
    if (interrupted) {
        say(fmt::format("interrupted after {} of {} sends", ledger.driven.value_or(0), options.count));
        return exit_failed;
    }
    if (!ledger.balances() || ledger.contradicted) return exit_failed;  // the ledger has said so
    if (ledger.count(Outcome::delivered) > 0 || ledger.count(Outcome::queued) > 0) return exit_done;
    const auto& reasons = session.reasons().all();
    say(fmt::format("no send was delivered{}{}", reasons.empty() ? "" : ": ",
                    reasons.empty() ? "" : printable(reasons[0].text)));
    return exit_failed;
}

}  // namespace

int run(const RunOptions& options) {
    StopSignals signals;
    const auto drive = drive_options(options);
    if (!drive) return say_error(drive.error());
    auto kernel = LiveKernel::open();
    if (!kernel) return say_error(kernel.error());
    auto tracer = Tracer::start(**kernel, trace_options(options, *drive));
    if (!tracer) return say_error(tracer.error());

    Output out(STDOUT_FILENO, signals.fd());
    Session session(**kernel, *tracer, out, options.json ? View::json : View::totals, true);
    session.show_plan();
    DeviceWatch device(drive->interface);
    tracer->arm();
    drop_privileges(true);
    Driver driver(*drive);
    if (const Status started = driver.start(); !started) return say_error(started.error());
    drop_privileges(false);

    const bool interrupted = pump(driver, session, out, signals, options);
    tracer->disarm();
    const std::vector<DeviceDelta> devices = device.deltas();
    session.close();
    session.show_summary(devices);
    out.flush();
    if (say_output_lost(session, out, devices)) return exit_failed;
    return verdict(session, interrupted, options);
}

}  // namespace sockray
