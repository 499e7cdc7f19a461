// The colour that an outcome has wherever it is shown.
#pragma once

#include "user/base/terminal.h"
#include "user/correlate/send.h"

namespace sockray {

constexpr Tone tone_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::delivered: return Tone::good;
        case Outcome::dropped:
        case Outcome::failed: return Tone::bad;
        case Outcome::queued:
        case Outcome::unknown: return Tone::warning;
    }
    return Tone::plain;
}

}  // namespace sockray
