#include "user/cli/session.h"

#include <poll.h>
#include <unistd.h>

#include <iterator>
#include <utility>
#include <variant>

#include "user/analyze/path.h"
#include "user/base/clock.h"
#include "user/correlate/outcome.h"
#include "user/decode/decode.h"
#include "user/report/chain_text.h"
#include "user/report/senders_text.h"

namespace sockray {
namespace {

std::int64_t realtime_offset() {
    return static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME)) - static_cast<std::int64_t>(monotonic_ns());
}

}  // namespace

Session::Session(const LiveKernel& kernel, Tracer& tracer, Output& output, View view, bool match)
    : kernel_(kernel),
      tracer_(tracer),
      output_(output),
      view_(view),
      match_(match),
      style_(style_of(output.fd())),
      json_(tracer.plan(), kernel),
      lines_(tracer.plan(), kernel, style_, realtime_offset()),
      flights_(tracer.plan().evidence(Stage::freed) == Evidence::probed, 2 * tracer.most_in_flight() + 1024) {}

void Session::show_plan() {
    if (view_ == View::json) json_.plan(output_.buffer());
}

std::size_t Session::read() {
    const std::size_t records = tracer_.read([this](std::span<const std::byte> bytes) { take(bytes); });
    finish_matched(false);
    return records;
}

void Session::linger(int stop_fd) {
    constexpr std::uint64_t most_ns = 1'000'000'000;
    constexpr int every_ms = 10;
    const std::uint64_t start = monotonic_ns();
    pollfd stop{stop_fd, POLLIN, 0};
    do read();
    while (flights_.waiting() > 0 && monotonic_ns() - start < most_ns && ::poll(&stop, 1, every_ms) == 0);
}

void Session::close() {
    tracer_.close([this](std::span<const std::byte> bytes) { take(bytes); });
    finish_matched(true);
    flights_.finish(tracer_.in_flight(), done_);
    finish_done();
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
    output_.flush_if_large();
}

void Session::take(const sr_socket& record) {
    const std::uint64_t id = ++next_socket_;
    ledger_.sockets_decoded++;
    if (limit_reached()) return;
    switch (view_) {
        case View::json: json_.socket(output_.buffer(), record, id); break;
        case View::lines: lines_.socket(output_.buffer(), record); break;
        case View::tree: lines_.socket_block(output_.buffer(), record, id); break;
        case View::totals:
            if (id == 1) lines_.socket_block(output_.buffer(), record, id);
            break;
    }
}

void Session::take(const sr_send& record) {
    Send send;
    send.id = ++next_send_;
    send.record = record;
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
    matched_.clear();
    matcher_.take_matched(matched_, all);
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
    chain_.add(send);
    reasons_.add(send);
    senders_.add(send);
    devices_.add(send);
    if (limit_reached()) return;
    shown_++;
    switch (view_) {
        case View::json: json_.send(output_.buffer(), send); break;
        case View::lines: lines_.send(output_.buffer(), send); break;
        case View::tree: lines_.tree(output_.buffer(), send); break;
        case View::totals: break;
    }
    output_.flush_if_large();
}

Ledger Session::ledger() const {
    Ledger ledger = ledger_;
    const std::vector<sr_counters> counters = tracer_.counters();
    ledger.sends = tally_sends(counters);
    ledger.sends.lost.rejected = rejected_;
    ledger.sockets = tally_sockets(counters);
    ledger.lost_by_cpu = loss_by_cpu(counters);
    ledger.skipped = tracer_.skipped();
    ledger.frames.decoded = frames_decoded_;
    ledger.uncounted = tracer_.uncounted();
    ledger.shown = most_sends_ ? shown_ : ledger.decoded;
    for (const sr_counters& cpu : counters) {
        ledger.ring_idle += cpu.ring_idle;
        ledger.children_lost += cpu.forks_lost;
        ledger.frames.seen += cpu.frames_emitted;
        ledger.frames.no_room += cpu.frames_no_room;
        ledger.frames.map_full += cpu.flights_full;
        ledger.frames.missed += cpu.passages_lost;
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

void Session::show_summary(std::span<const DeviceDelta> devices) {
    if (view_ == View::json) {
        json_.summary(output_.buffer(), ledger());
        return;
    }
    fmt::memory_buffer& out = output_.buffer();
    if (view_ == View::totals && next_socket_ > 1)
        fmt::format_to(std::back_inserter(out), "and {} more sockets, one for each thread\n", next_socket_ - 1);
    if (!match_ && ledger_.decoded) {
        out.push_back('\n');
        append_senders_text(out, senders_, style_);
    }
    if (ledger_.decoded) {
        out.push_back('\n');
        append_chain_text(out, chain_, tracer_.plan(), style_);
    }
    out.push_back('\n');
    show_ledger(output_.buffer(), style_, devices);
}

bool say_output_lost(const Session& session, const Output& output, std::span<const DeviceDelta> devices) {
    if (!say_output_error(output)) return false;
    say("the ledger for what was seen:");
    Output err(STDERR_FILENO);
    session.show_ledger(err.buffer(), style_of(STDERR_FILENO), devices);
    err.flush();
    return true;
}

void Session::show_ledger(fmt::memory_buffer& out, const Style& style, std::span<const DeviceDelta> devices) const {
    append_ledger_text(out, ledger(), reasons_, devices_, devices, style);
}

}  // namespace sockray
