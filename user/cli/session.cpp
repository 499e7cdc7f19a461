#include "user/cli/session.h"

#include <poll.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <utility>
#include <variant>

#include "user/base/clock.h"
#include "user/correlate/outcome.h"
#include "user/correlate/path.h"
#include "user/decode/decode.h"

namespace sockray {
namespace {

std::vector<std::string> own_command() {
    std::vector<std::string> words;
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
    return words;
}

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

}  // namespace

Session::Session(const LiveKernel& kernel, Tracer& tracer, Output& output, View view, bool match)
    : kernel_(kernel),
      tracer_(tracer),
      output_(output),
      view_(view),
      match_(match),
      style_(style_of(output.fd())),
      shown_in_(make_view(view, output.buffer(), style_)),
      filters_frames_(tracer.filters_frames()),
      flights_(tracer.plan().evidence(Stage::freed) == Evidence::probed, 2 * tracer.most_in_flight() + 1024) {
    add_sink(summary_);
}

void Session::begin(StageSet stages) {
    origin_ = origin_of(stages);
    shown_in_->begin(origin_, tracer_.plan(), kernel_);
    for (Sink* sink : sinks_) sink->begin(origin_, tracer_.plan(), kernel_);
    tracer_.arm();
}

std::size_t Session::read() {
    const std::size_t records = tracer_.read([this](std::span<const std::byte> bytes) { take(bytes); });
    finish_matched(false);
    for (Sink* sink : sinks_) sink->idle();
    return records;
}

void Session::stop() {
    tracer_.disarm();
    end_ns_ = monotonic_ns();
}

void Session::linger(int stop_fd) {
    constexpr std::uint64_t most_ns = 1'000'000'000;
    constexpr int every_ms = 10;
    const std::uint64_t start = monotonic_ns();
    pollfd stop{stop_fd, POLLIN, 0};
    do read();
    while (flights_.waiting() > 0 && monotonic_ns() - start < most_ns && ::poll(&stop, 1, every_ms) == 0);
}

void Session::end(std::vector<DeviceDelta> devices) {
    const auto sink = [this](std::span<const std::byte> bytes) { take(bytes); };
    tracer_.close(sink);
    finish_matched(true);
    flights_.finish(tracer_.in_flight(), done_);
    finish_done();
    const Ending ending{count(), std::move(devices), end_ns_, false};
    shown_in_->end(ending);
    for (Sink* each : sinks_) each->end(ending);
    if (view_ != View::json) summary_.append_text(output_.buffer(), style_);
}

void Session::take(std::span<const std::byte> bytes) {
    const auto record = decode(bytes);
    if (!record) {
        rejected_++;
        return;
    }
    if (const auto* send = std::get_if<sr_send>(&*record)) take(*send);
    if (const auto* socket = std::get_if<sr_socket>(&*record)) take(*socket);
    if (const auto* frame = std::get_if<sr_frame>(&*record)) take(*frame);
    if (const auto* piece = std::get_if<Piece>(&*record)) pieces_.add(*piece);
    output_.flush_if_large();
}

void Session::take(const sr_socket& record) {
    const std::uint64_t id = ++next_socket_;
    ledger_.sockets_decoded++;
    for (Sink* sink : sinks_) sink->socket(record, id);
    if (!limit_reached()) shown_in_->socket(record, id);
}

void Session::take(const sr_send& record) {
    Send send;
    send.id = ++next_send_;
    send.record = record;
    send.frame = pieces_.take(record.id);
    if (match_)
        matcher_.add_send(std::move(send));
    else
        settle(std::move(send));
}

void Session::take(const sr_frame& record) {
    frames_decoded_++;
    flights_.add(record, done_);
    finish_done();
}

void Session::settle(Send&& send) {
    flights_.add(std::move(send), done_);
    finish_done();
}

void Session::finish_done() {
    for (Send& send : done_) finish(send);
    done_.clear();
}

void Session::finish_matched(bool all) {
    if (!match_) return;
    constexpr std::uint64_t latest_ns = 1'000'000'000;  // far beyond the time from a call's end to its record
    matched_.clear();
    matcher_.take_matched(matched_, all);
    if (filters_frames_) matcher_.forget_events_before(monotonic_ns() - latest_ns);
    for (Send& send : matched_) settle(std::move(send));
}

void Session::finish(Send& send) {
    Verdict verdict = judge(send, tracer_.plan(), kernel_);
    send.outcome = verdict.outcome;
    send.end_stage = verdict.stage;
    send.reason = std::move(verdict.reason);
    ledger_.decoded++;
    ledger_.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
    if (lacks_return(send.record)) ledger_.partial++;
    if (filters_frames_) count_unjudged(send.record);
    const bool selected = (outcomes_ & outcome_bit(send.outcome)) != 0;
    if (!selected) ledger_.left_out++;
    for (Sink* sink : sinks_)
        if (selected || sink == &summary_) sink->send(send);
    if (!selected || limit_reached()) return;
    shown_++;
    shown_in_->send(send);
    output_.flush_if_large();
}

// The filter looks at a frame where the span of its hand-over begins.
void Session::count_unjudged(const sr_send& record) {
    if (record.flags & SR_SEND_UNJUDGED)
        ledger_.filter_unjudged++;
    else if (!record.span[SR_SLOT_XMIT].start)
        ledger_.filter_no_frame++;
}

Ledger Session::count() const {
    Ledger ledger = ledger_;
    const std::vector<sr_counters> counters = tracer_.counters();
    ledger.sends = tally_sends(counters);
    ledger.sends.lost.rejected = rejected_;
    ledger.sockets = tally_sockets(counters);
    ledger.lost_by_cpu = loss_by_cpu(counters);
    ledger.skipped = tracer_.skipped();
    ledger.frames.decoded = frames_decoded_;
    ledger.uncounted = tracer_.uncounted();
    ledger.cost = tracer_.cost();
    ledger.shown = shown_;
    for (const sr_counters& cpu : counters) {
        ledger.ring_idle += cpu.ring_idle;
        ledger.filtered += cpu.filtered;
        ledger.children_lost += cpu.forks_lost;
        ledger.frames.seen += cpu.frames_emitted;
        ledger.frames.no_room += cpu.frames_no_room;
        ledger.frames.map_full += cpu.flights_full;
        ledger.frames.missed += cpu.passages_lost;
        ledger.pieces_no_room += cpu.pieces_no_room;
        ledger.pieces_unread += cpu.pieces_unread;
    }
    if (match_) {
        ledger.driven = matcher_.driven();
        ledger.correlated = matcher_.correlated();
        ledger.contradicted = matcher_.contradicted();
    }
    return ledger;
}

ProgressCounts Session::progress() const {
    ProgressCounts counts{ledger_.decoded, ledger_.decoded_by_outcome, 0};
    for (const sr_counters& cpu : tracer_.counters()) counts.lost += cpu.sends_no_room + cpu.sends_no_storage;
    return counts;
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
