// The first sends of a recording, told again and again: each time with new numbers, and as much later as they took.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "user/correlate/send.h"

namespace sockray {

class RepeatedSends {
  public:
    void keep(const Send& send) {
        constexpr std::size_t most = 10'000;
        if (kept_.size() < most) kept_.push_back(send);
    }
    bool empty() const { return kept_.empty(); }

    // The time of `count` sends, whole rounds only.
    std::uint64_t duration_ns(std::uint64_t count) const { return count / kept_.size() * period_ns(); }

    // The send of this index, 0, 1, 2 ...; there must be some.
    Send at(std::uint64_t index) const {
        Send send = kept_[index % kept_.size()];
        const std::uint64_t by = duration_ns(index);
        send.id = index + 1;
        send.record.id = send.id;
        for (sr_span& span : send.record.span) {
            span.start = later(span.start, by);
            span.end = later(span.end, by);
        }
        send.record.drop_ns = later(send.record.drop_ns, by);
        send.frame.ns = later(send.frame.ns, by);
        if (send.number) send.number = send.id;
        return send;
    }

  private:
    static std::uint64_t later(std::uint64_t ns, std::uint64_t by) {
        return ns ? ns + by : 0;  // 0: did not happen
    }
    std::uint64_t period_ns() const {
        constexpr std::uint64_t gap_ns = 1000;
        return begin_ns(kept_.back().record) - begin_ns(kept_.front().record) + gap_ns;
    }

    std::vector<Send> kept_;
};

}  // namespace sockray
