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
    const auto same = [&](const Send& known) { return known.outcome == send.outcome && known.reason == send.reason; };
    const auto first = std::find_if(sends_.begin(), sends_.end(), same);
    if (first == sends_.end()) {
        if (reasons_ == kept_reasons) {
            others_++;
            return;
        }
        reasons_++;
        sends_.push_back(send);
        return;
    }
    const auto behind = std::find_if_not(first, sends_.end(), same);
    if (static_cast<std::size_t>(behind - first) < kept_of_each)
        sends_.insert(behind, send);
    else
        others_++;
}

void FirstSockets::add(const sr_socket& record, std::uint64_t id) {
    if (sockets_.size() < kept)
        sockets_.push_back({id, record});
    else
        others_++;
}

}  // namespace sockray
