// How the stages of one send lie in each other by their times. The kernel's functions nest, but what is measured of
// them may not: hits are skipped, and a frame goes on behind its send. Pictures and sums over stages are made of this,
// so that none of them takes for nested what was not measured so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "user/correlate/path.h"

namespace sockray {

enum class Fit {
    span,    // start and end were seen, and it lies within `outer`, beside the spans that lie there too
    moment,  // a stage that has no length
    open,    // its end was not seen: only `step.span.start` holds
    askew,   // measured, but its times contradict those of the stages around it or beside it
    behind   // a stage of the frame that does not lie within the send: a softirq's, or another CPU's
};

struct Nested {
    Step step;  // its start was seen; its `depth` is that of the path
    Fit fit = Fit::span;
    int outer = -1;  // index of the innermost span around it, -1: none
    int level = 0;   // how many spans are around it
};

// Stages outermost first: a span comes before all that lies within it. What no time is known of is left out.
struct Nesting {
    std::array<Nested, SR_SLOT_COUNT> nested{};
    std::size_t size = 0;
    const Nested* begin() const { return nested.data(); }
    const Nested* end() const { return nested.data() + size; }
    const Nested& operator[](std::size_t index) const { return nested[index]; }
};

// The entry of sendmmsg, and the look-up of its socket, are of one call and not of one send: they are left out.
Nesting nesting_of(const sr_send& record, const Plan& plan);
Nesting nesting_of(const sr_socket& record, const Plan& plan);

// A call of sendmmsg, told by the last of its sends: the only one that saw its end. Empty for all others.
Nesting call_nesting_of(const sr_send& record, const Plan& plan);

}  // namespace sockray
