#include "user/correlate/capture_teller.h"

#include "user/base/clock.h"
#include "user/base/loopback.h"

namespace sockray {
namespace {

bool went_past_taps(const sr_send& record) {
    return record.stage[SR_SLOT_XMIT] == SR_STAGE_DIRECT_XMIT;
}

}  // namespace

void CaptureTeller::select_sends(OutcomeSet outcomes, Sink& of_all) {
    traced_ = true;
    outcomes_ = outcomes;
    of_all_ = &of_all;
}

// What a driver got came by the taps before: where nothing says so, that record was lost, and the frame is among those
// that are told without a send. The same holds for those that could not wait. Where only sends are told, it is not,
// nor on loopback.
bool CaptureTeller::is_told_without(const Send& send, const Tapped& tapped) const {
    if (selects_sends() || tapped.taken || went_past_taps(send.record)) return false;
    if (send.record.ifindex == loopback_ifindex) return false;
    // A filter passed it on: by the taps of the interface that is captured it did not come.
    if ((send.record.flags & SR_SEND_PASSED_ON) && ledger_.interface.ifindex) return false;
    return tapped.told || (!tapped.offered && send.record.driver_hits > 0);
}

void CaptureTeller::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    realtime_offset_ns_ = origin.realtime_offset_ns;
    for (Sink* listener : listeners_) listener->begin(origin, plan, names);
}

void CaptureTeller::socket(const sr_socket& record, std::uint64_t id) {
    if (limit_reached()) return;
    for (Sink* listener : listeners_) listener->socket(record, id);
}

void CaptureTeller::frame(const TapFrame& frame) {
    if (frame.outgoing && traced_)
        join_.frame(frame);
    else
        unclaimed(frame);
}

void CaptureTeller::unclaimed(const TapFrame& frame) {
    // Of loopback's two the one that is received is told, as by any other capture.
    if (selects_sends() || frame.comes_again) {
        ledger_.left_out++;
        return;
    }
    if (limit_reached()) {
        ledger_.beyond++;
        return;
    }
    (frame.outgoing ? ledger_.sent : ledger_.received)++;
    TapFrame told = frame;
    told.interface = &ledger_.interface;
    for (Sink* listener : listeners_) listener->frame(told);
}

void CaptureTeller::send(const Send& send) {
    join_.send(send);
}

// The frame as it came by the taps, where it did: in time, and but for what is cooked in its bytes, it is what any
// other capture has.
void CaptureTeller::fit_frame(Send& send, Tapped& tapped) const {
    if (is_told_without(send, tapped)) send.frame = {};
    if (tapped.taken != 1) return;
    const std::uint64_t tapped_ns = tapped.realtime_ns - static_cast<std::uint64_t>(realtime_offset_ns_);
    if (send.frame.length) send.frame.ns = tapped_ns;
    const std::uint16_t link_type = ledger_.interface.link_type;
    if (link_type == linktype_linux_sll2) return;  // what is cooked has another header in the place of its own
    send.frame.bytes = std::move(tapped.bytes);
    send.frame.length = tapped.length;
    send.frame.ns = tapped_ns;
    if (frame_link_type(send.frame.dev_type) != link_type) send.frame.dev_type = device_type_of(link_type);
}

void CaptureTeller::ended(Send&& send, Tapped&& tapped) {
    if ((outcomes_ & outcome_bit(send.outcome)) == 0) {
        sends_left_out_++;
        ledger_.left_out += tapped.taken;
        of_all_->send(send);
        return;
    }
    if (limit_reached()) {
        ledger_.beyond += tapped.taken;
        return;
    }
    send.tapped = tapped.taken;
    ledger_.sent += tapped.taken;
    const bool had_frame = send.record.span[SR_SLOT_XMIT].start != 0;
    const bool told_without = is_told_without(send, tapped);
    if (!tapped.taken && had_frame && !told_without) ledger_.untapped++;
    if (told_without && !tapped.told) unjoined_++;
    fit_frame(send, tapped);
    sends_told_++;
    for (Sink* listener : listeners_) listener->send(send);
}

void CaptureTeller::caught_up(std::uint64_t read) {
    join_.caught_up(read, monotonic_ns());
}

void CaptureTeller::idle() {
    for (Sink* listener : listeners_) listener->idle();
}

void CaptureTeller::end(const Ending& ending) {
    join_.finish();
    ledger_.seen = totals_.seen;
    ledger_.dropped = totals_.dropped;
    ledger_.cut = totals_.cut;
    ledger_.freezes = totals_.freezes;
    const std::uint64_t known = ledger_.told() + ledger_.left_out + ledger_.beyond + ledger_.dropped;
    ledger_.unread = ledger_.seen > known ? ledger_.seen - known : 0;
    Ending told = ending;
    told.capture = ledger_;
    if (traced_) told.ledger.shown = sends_told_;
    told.ledger.left_out = sends_left_out_;
    for (Sink* listener : listeners_) listener->complete(told);
    for (Sink* listener : listeners_) listener->end(told);
}

}  // namespace sockray
