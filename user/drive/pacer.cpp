#include "user/drive/pacer.h"

namespace sockray {

std::uint64_t Pacer::due_ns(std::uint64_t number, std::uint64_t now_ns) {
    std::uint64_t start = start_ns_.load(std::memory_order_relaxed);
    // Where another thread starts the schedule first, the exchange leaves its start here.
    if (start == 0 && start_ns_.compare_exchange_strong(start, now_ns, std::memory_order_relaxed)) start = now_ns;
    const std::uint64_t due = start + span_ns(number - 1);
    const std::uint64_t latest = due + catch_up_ns_;
    if (now_ns > latest) {
        // Only the first of several threads that see the same stall moves the schedule: for the others
        // `start` is old.
        start_ns_.compare_exchange_strong(start, start + (now_ns - latest), std::memory_order_relaxed);
    }
    return due;
}

}  // namespace sockray
