#include "user/analyze/reasons.h"

#include <algorithm>
#include <utility>

#include "user/correlate/path.h"

namespace sockray {

void Reasons::add(const Send& send) {
    if (send.outcome == Outcome::delivered) return;
    const int err = errno_of(send.record);
    const auto is_of = [&](const Reason& known) { return known.outcome == send.outcome && known.err == err; };
    for (Reason& known : reasons_) {
        if (!is_of(known) || known.text != send.reason) continue;
        known.sends++;
        return;
    }
    ReasonText words(send.reason);
    for (Reason& known : reasons_) {
        if (!is_of(known) || !known.words.is_like(words)) continue;
        known.words.widen(words);
        known.text = known.words.text();
        known.sends++;
        return;
    }
    if (reasons_.size() < kept)
        reasons_.push_back({send.outcome, err, send.reason, 1, std::move(words)});
    else
        others_[static_cast<std::size_t>(send.outcome)]++;
}

std::vector<const Reason*> Reasons::most(std::size_t limit) const {
    std::vector<const Reason*> sorted;
    for (const Reason& reason : reasons_) sorted.push_back(&reason);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Reason* a, const Reason* b) { return a->sends > b->sends; });
    sorted.resize(std::min(sorted.size(), limit));
    return sorted;
}

}  // namespace sockray
