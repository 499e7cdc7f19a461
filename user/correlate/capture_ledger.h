// The ledger of a capture: every frame that the filter selected is in exactly one row, and the sum balances exactly.
//
//   seen = received + sent + left out + beyond + dropped + unread
//
// Where sends are traced, frames of theirs are told too that the capture did not get from the taps; it has not seen
// them, so they are in no sum.
#pragma once

#include <cstdint>

#include "user/correlate/tap_frame.h"

namespace sockray {

// All numbers are frames, or as named.
struct CaptureLedger {
    TapInterface interface;
    std::uint64_t seen = 0;      // selected by the filter, as the kernel counted them
    std::uint64_t received = 0;  // told
    std::uint64_t sent = 0;      // told
    std::uint64_t beyond = 0;    // read behind the last frame that -c asked for
    std::uint64_t dropped = 0;   // found no room in the kernel's ring
    std::uint64_t unread = 0;    // stayed in the ring: never expected
    std::uint64_t cut = 0;       // of those read, longer than the snaplen: no loss
    std::uint64_t freezes = 0;   // times that the kernel came upon a full ring
    // Told, of sends, in no sum: past the taps (PACKET_QDISC_BYPASS), dropped before them, or without room in the
    // kernel's ring.
    std::uint64_t untapped = 0;
    std::uint64_t left_out = 0;  // read, and not told: of no send that was asked for; on loopback outgoing, of no send

    std::uint64_t told() const { return received + sent; }
    bool balances() const { return seen == told() + left_out + beyond + dropped + unread; }
};

}  // namespace sockray
