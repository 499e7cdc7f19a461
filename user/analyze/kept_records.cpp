#include "user/analyze/kept_records.h"

#include <algorithm>

namespace sockray {

namespace {

bool slower(const SlowestSends::Timed& a, const SlowestSends::Timed& b) {
    return a.ns != b.ns ? a.ns > b.ns : a.send.id < b.send.id;
}

}  // namespace

void SlowestSends::add(const Send& send, std::uint64_t ns) {
    if (heap_.size() == kept) {
        const Timed& least = heap_.front();
        if (ns < least.ns || (ns == least.ns && send.id > least.send.id)) return;
        std::pop_heap(heap_.begin(), heap_.end(), slower);
        heap_.pop_back();
    }
    heap_.push_back({ns, send});
    std::push_heap(heap_.begin(), heap_.end(), slower);
}

std::vector<SlowestSends::Timed> SlowestSends::sorted() const {
    std::vector<Timed> sends = heap_;
    std::sort(sends.begin(), sends.end(), slower);
    return sends;
}

void UndeliveredSends::add(const Send& send) {
    if (send.outcome == Outcome::delivered) return;
    const ReasonText words(send.reason);
    std::size_t end = 0;  // of the sends of this reason
    for (Reason& known : reasons_) {
        end += known.kept;
        if (known.outcome != send.outcome || !known.words.is_like(words)) continue;
        if (known.kept == kept_of_each) {
            others_++;
        } else {
            sends_.insert(sends_.begin() + static_cast<std::ptrdiff_t>(end), send);
            known.kept++;
        }
        return;
    }
    if (reasons_.size() == kept_reasons) {
        others_++;
        return;
    }
    reasons_.push_back({send.outcome, words, 1});
    sends_.push_back(send);
}

void FirstSockets::add(const sr_socket& record, std::uint64_t id) {
    if (sockets_.size() < kept)
        sockets_.push_back({id, record});
    else
        others_++;
}

}  // namespace sockray
