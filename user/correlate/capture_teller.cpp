#include "user/correlate/capture_teller.h"

namespace sockray {

void CaptureTeller::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    for (Sink* listener : listeners_) listener->begin(origin, plan, names);
}

void CaptureTeller::frame(TapFrame frame) {
    if (limit_reached()) {
        ledger_.beyond++;
        return;
    }
    (frame.outgoing ? ledger_.sent : ledger_.received)++;
    frame.interface = &ledger_.interface;
    for (Sink* listener : listeners_) listener->frame(frame);
}

void CaptureTeller::idle() {
    for (Sink* listener : listeners_) listener->idle();
}

void CaptureTeller::end(Ending ending, const CaptureLedger& totals) {
    ledger_.seen = totals.seen;
    ledger_.dropped = totals.dropped;
    ledger_.cut = totals.cut;
    ledger_.freezes = totals.freezes;
    const std::uint64_t known = ledger_.told() + ledger_.beyond + ledger_.dropped;
    ledger_.unread = ledger_.seen > known ? ledger_.seen - known : 0;
    ending.capture = ledger_;
    for (Sink* listener : listeners_) listener->end(ending);
}

}  // namespace sockray
