#include "user/analyze/reasons.h"

#include "user/correlate/path.h"

namespace sockray {

void Reasons::add(const Send& send) {
    if (send.outcome == Outcome::delivered) return;
    const int err = errno_of(send.record);
    for (Reason& known : reasons_) {
        if (known.outcome != send.outcome || known.err != err || known.text != send.reason) continue;
        known.sends++;
        return;
    }
    if (reasons_.size() < kept)
        reasons_.push_back({send.outcome, err, send.reason, 1});
    else
        others_[static_cast<std::size_t>(send.outcome)]++;
}

}  // namespace sockray
