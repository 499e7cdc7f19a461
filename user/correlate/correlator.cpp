#include "user/correlate/correlator.h"

#include <utility>
#include <variant>

#include "user/correlate/outcome.h"
#include "user/correlate/path.h"
#include "user/decode/decode.h"

namespace sockray {

Correlator::Correlator(const Plan& plan, const KernelNames& names, const CorrelatorOptions& options, Sink& to)
    : plan_(plan),
      names_(names),
      match_(options.match),
      filters_frames_(options.filters_frames),
      has_driver_(plan.evidence(Stage::start_xmit) != Evidence::absent),
      to_(to),
      flights_(plan.evidence(Stage::freed) == Evidence::probed, 2 * options.most_in_flight + 1024) {}

void Correlator::take(std::span<const std::byte> bytes) {
    if (record_type(bytes) == SR_RECORD_SEND) return take_send(bytes);
    const auto record = decode(bytes);
    if (!record) return reject(bytes);
    if (const auto* socket = std::get_if<sr_socket>(&*record)) take(*socket);
    if (const auto* frame = std::get_if<sr_frame>(&*record)) take(*frame);
    if (const auto* piece = std::get_if<Piece>(&*record)) pieces_.add(*piece);
}

void Correlator::reject(std::span<const std::byte> bytes) {
    switch (record_type(bytes)) {
        case SR_RECORD_SEND: ledger_.sends.lost.rejected++; break;
        case SR_RECORD_SOCKET: ledger_.sockets.lost.rejected++; break;
        case SR_RECORD_FRAME: ledger_.frames.rejected++; break;
        case SR_RECORD_PIECE: ledger_.pieces_rejected++; break;
        default: ledger_.others_rejected++;
    }
}

void Correlator::take(const sr_socket& record) {
    ledger_.sockets_decoded++;
    to_.socket(record, ++next_socket_);
}

void Correlator::take_send(std::span<const std::byte> bytes) {
    Send send;
    if (!decode_send(bytes, send.record).empty()) return reject(bytes);
    send.id = ++next_send_;
    // Without the driver's hook a frame that a stacked device has looks the same (bpf/passed_on.bpf.h).
    if (!has_driver_) send.record.flags &= ~SR_SEND_PASSED_ON;
    send.frame = pieces_.take(send.record.id);
    if (match_)
        matcher_.add_send(std::move(send));
    else
        follow(send);
}

void Correlator::take(const sr_frame& record) {
    ledger_.frames.decoded++;
    if (record.kind == SR_FRAME_TAPPED) return to_.tapped(record);
    flights_.add(record, done_);
    judge_done();
}

void Correlator::follow(Send& send) {
    if (flights_.is_done(send, done_)) judge(send);
    judge_done();
}

void Correlator::judge(Send& send) {
    Verdict verdict = sockray::judge(send, plan_, names_);
    send.outcome = verdict.outcome;
    send.end_stage = verdict.stage;
    send.reason = std::move(verdict.reason);
    ledger_.decoded++;
    ledger_.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
    ledger_.add_partial(send.record);
    if (filters_frames_) count_unjudged(send.record);
    to_.send(send);
}

void Correlator::judge_done() {
    for (Send& send : done_) judge(send);
    done_.clear();
}

// The filter looks at a frame where the span of its hand-over begins.
void Correlator::count_unjudged(const sr_send& record) {
    if (record.flags & SR_SEND_UNJUDGED)
        ledger_.filter_unjudged++;
    else if (!record.span[SR_SLOT_XMIT].start)
        ledger_.filter_no_frame++;
}

void Correlator::settle(std::uint64_t now_ns) {
    constexpr std::uint64_t latest_ns = 1'000'000'000;  // far beyond the time from a call's end to its record
    take_matched(false);
    if (match_ && filters_frames_) matcher_.forget_events_before(now_ns - latest_ns);
}

void Correlator::take_matched(bool all) {
    if (!match_) return;
    matched_.clear();
    matcher_.take_matched(matched_, all);
    for (Send& send : matched_) follow(send);
}

void Correlator::finish(std::span<const std::uint64_t> in_flight) {
    take_matched(true);
    flights_.finish(in_flight, done_);
    judge_done();
}

Ledger Correlator::ledger(std::span<const sr_counters> cpus) const {
    Ledger ledger = ledger_;
    ledger.sends = tally_sends(cpus);
    ledger.sends.lost.rejected = ledger_.sends.lost.rejected;
    ledger.sockets = tally_sockets(cpus);
    ledger.sockets.lost.rejected = ledger_.sockets.lost.rejected;
    ledger.lost_by_cpu = loss_by_cpu(cpus);
    ledger.shown = ledger.decoded;
    for (const sr_counters& cpu : cpus) {
        ledger.ring_idle += cpu.ring_idle;
        ledger.ring_idle_timed_out += cpu.ring_idle_timed_out;
        ledger.ring_idle_interrupted += cpu.ring_idle_interrupted;
        ledger.ring_overlapped += cpu.ring_overlapped;
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

}  // namespace sockray
