#include "user/cli/session.h"

#include <poll.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

#include "user/base/clock.h"
#include "user/base/format.h"

namespace sockray {
namespace {

std::vector<std::string> own_command() {
    std::vector<std::string> words;
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
    return words;
}

bool traces_receivers(const Plan& plan, StageSet stages) {
    const auto traced = [&](Stage stage) {
        return (stages & stage_bit(stage)) && plan.evidence(stage) != Evidence::absent;
    };
    return traced(Stage::packet_rcv) || traced(Stage::tpacket_rcv);
}

}  // namespace

Origin origin_of(StageSet stages) {
    Origin origin;
    origin.version = SOCKRAY_VERSION;
    origin.command = own_command();
    utsname system{};
    if (::uname(&system) == 0) {
        origin.host = system.nodename;
        origin.kernel = system.release;
        origin.machine = system.machine;
    }
    origin.start_ns = monotonic_ns();
    origin.realtime_offset_ns =
        static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME)) - static_cast<std::int64_t>(monotonic_ns());
    origin.stages = stages;
    return origin;
}

Session::Session(const LiveKernel& kernel, Tracer& tracer, Output& output, View view, bool match)
    : kernel_(kernel),
      tracer_(tracer),
      output_(output),
      view_(view),
      style_(style_of(output.fd())),
      shown_in_(make_view(view, output.buffer(), style_, summary_.devices())),
      correlator_(tracer.plan(), kernel, {tracer.most_in_flight(), match, tracer.filters_frames()}, *this) {
    add_sink(summary_);
}

void Session::prepare(StageSet stages) {
    origin_ = origin_of(stages);
    shown_in_->begin(origin_, tracer_.plan(), kernel_);
    for (Sink* sink : sinks_) sink->begin(origin_, tracer_.plan(), kernel_);
    if (traces_receivers(tracer_.plan(), stages)) receivers_.emplace(kernel_);
}

void Session::watch_devices(std::optional<Interface> interface) {
    watched_ = std::move(interface);
}

// The devices, of which many send what is not traced, are read last here and first at the end; the sockets of the
// machine take longer.
void Session::start() {
    if (receivers_) receivers_->start();
    tracer_.prepare_to_arm();
    if (watched_) devices_.emplace(*watched_);
    tracer_.arm();
}

Tracer::Sink Session::into_correlator() {
    return [this](std::span<const std::byte> bytes) {
        correlator_.take(bytes);
        output_.flush_if_large();
    };
}

std::size_t Session::read() {
    const std::size_t records = tracer_.read(into_correlator());
    correlator_.settle(monotonic_ns());
    for (Sink* sink : sinks_) sink->idle();
    return records;
}

void Session::stop() {
    if (end_ns_) return;
    tracer_.disarm();
    end_ns_ = monotonic_ns();
}

void Session::linger(int stop_fd) {
    constexpr std::uint64_t most_ns = 1'000'000'000;
    constexpr int every_ms = 10;
    const std::uint64_t start = monotonic_ns();
    pollfd stop{stop_fd, POLLIN, 0};
    do read();
    while (correlator_.waiting() > 0 && monotonic_ns() - start < most_ns && ::poll(&stop, 1, every_ms) == 0);
}

void Session::halt() {
    if (grown_) return;
    stop();
    tracer_.stop(into_correlator());
    auto grown = devices_ ? devices_->deltas() : std::vector<DeviceDelta>{};
    if (!grown) say(grown.error().what + "; the ledger is not held against what devices counted");
    grown_ = std::move(grown).value_or(std::vector<DeviceDelta>{});
}

void Session::close() {
    if (std::exchange(closed_, true)) return;
    halt();
    if (receivers_) receivers_->stop();
    if (const Status closed = tracer_.close(into_correlator()); !closed) say(closed.error().what);
    correlator_.finish(tracer_.in_flight());
}

void Session::finish() {
    close();
    if (watched_ && !*watched_)
        std::erase_if(*grown_, [this](const DeviceDelta& device) {
            return summary_.devices().of(device.ifname, device.netns_ino, device.ifindex).sends == 0;
        });
    Ending ending{count(), std::move(*grown_), end_ns_, false};
    if (receivers_) ending.receivers = receivers_->counters();
    for (Sink* each : sinks_) each->complete(ending);
    shown_in_->end(ending);
    for (Sink* each : sinks_) each->end(ending);
    if (view_ != View::json && view_ != View::none) summary_.append_text(output_.buffer(), style_);
}

void Session::socket(const sr_socket& record, std::uint64_t id) {
    for (Sink* sink : sinks_) sink->socket(record, id);
    if (!limit_reached()) shown_in_->socket(record, id);
}

void Session::tapped(const sr_frame& record) {
    for (Sink* sink : sinks_) sink->tapped(record);
}

void Session::send(const Send& send) {
    const bool selected = (outcomes_ & outcome_bit(send.outcome)) != 0;
    if (!selected) left_out_++;
    if (receivers_) receivers_->add(send);
    for (Sink* sink : sinks_)
        if (selected || sink == &summary_) sink->send(send);
    if (!selected || limit_reached()) return;
    shown_++;
    shown_in_->send(send);
    output_.flush_if_large();
}

Ledger Session::count() const {
    Ledger ledger = correlator_.ledger(tracer_.counters());
    ledger.skipped = tracer_.skipped();
    ledger.uncounted = tracer_.uncounted();
    ledger.cost = tracer_.cost();
    ledger.left_out = left_out_;
    ledger.shown = shown_;
    return ledger;
}

ProgressCounts Session::progress() const {
    ProgressCounts counts{correlator_.decoded().decoded, correlator_.decoded().decoded_by_outcome, 0};
    for (const sr_counters& cpu : tracer_.counters()) counts.lost += cpu.sends_no_room + cpu.sends_no_storage;
    return counts;
}

void say_what_is_waited_for(const Tracer& tracer) {
    constexpr std::chrono::milliseconds patience{300};
    if (::isatty(STDERR_FILENO) != 1 || tracer.gone_by(std::chrono::steady_clock::now() + patience)) return;
    say("waiting for the kernel to take the hooks away");
}

bool say_imbalance(const Ledger& ledger) {
    const std::string wrong = ledger.imbalance();
    if (wrong.empty()) return false;
    say(fmt::format("the ledger does not balance ({}): this is a bug in sockray, do not trust the counts", wrong));
    return true;
}

bool say_output_lost(const Session& session, const Output& output) {
    if (!say_output_error(output)) return false;
    say("the ledger for what was seen:");
    Output err(STDERR_FILENO);
    session.summary().append_ledger(err.buffer(), style_of(STDERR_FILENO));
    err.flush();
    return true;
}

}  // namespace sockray
