// Sessions for the tests of comparisons: sends whose times vary from one to the next, and from one stretch to the next.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

#include "tests/unit/analyze_records.h"
#include "user/analyze/profile.h"

namespace sockray::made {

// How the times of a session vary: as factors, log-normal.
struct Noise {
    double each = 0.2;    // from send to send
    double drift = 0;     // from stretch to stretch: the standard deviation,
    double stretch = 50;  // and how many sends one is long
};

// `send` with all times multiplied by `all`, and what the driver does by `driver` besides.
inline Send stretched(Send send, double all, double driver = 1) {
    sr_send& record = send.record;
    const std::uint64_t begin = record.span[SR_SLOT_ENTRY].start;
    const std::uint64_t at = record.span[SR_SLOT_DRIVER].start;
    const std::uint64_t more =
        at ? static_cast<std::uint64_t>(static_cast<double>(record.span[SR_SLOT_DRIVER].end - at) * (driver - 1)) : 0;
    const auto move = [&](auto& ns) {
        if (ns == 0) return;
        if (at && ns > at) ns += more;
        ns = begin + static_cast<std::uint64_t>(static_cast<double>(ns - begin) * all);
    };
    for (sr_span& span : record.span) {
        move(span.start);
        move(span.end);
    }
    return send;
}

class Times {
  public:
    Times(unsigned seed, const Noise& noise) : random_(seed), noise_(noise), state_(normal_(random_)) {}
    double next() {
        const double keep = std::exp(-1 / noise_.stretch);
        state_ = keep * state_ + std::sqrt(1 - keep * keep) * normal_(random_);
        return std::exp(noise_.drift * state_ + noise_.each * normal_(random_));
    }
    std::mt19937_64& random() { return random_; }

  private:
    std::mt19937_64 random_;
    std::normal_distribution<double> normal_;
    Noise noise_;
    double state_;
};

inline void begin(Profile& profile, const Plan& plan = made::plan()) {
    profile.begin(Origin{}, plan, Names{});
}

// `sends` that went well.
inline void add_sends(Profile& profile, std::uint64_t sends, unsigned seed, const Noise& noise = {},
                      double driver = 1) {
    Times times(seed, noise);
    for (std::uint64_t id = 1; id <= sends; id++)
        profile.send(stretched(delivered(id, id * 1'000'000), times.next(), driver));
}

}  // namespace sockray::made
