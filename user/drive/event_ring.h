// The way of events from one sending thread to the one that collects them: bounded, lock-free, nothing lost.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "user/drive/event.h"

namespace sockray {

// Exactly one thread calls has_room() and push(), exactly one (at a time) calls drain(). All memory is
// allocated, and touched, by the constructor.
// The padding keeps what each side writes on a cache line of its own.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
class EventRing {
  public:
    // Capacity in events: a power of two.
    explicit EventRing(std::size_t capacity) : events_(capacity) {}

    // Sender: whether push() may be called. Once true it stays so until the next push().
    bool has_room() {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        if (head - seen_tail_ < events_.size()) return true;
        seen_tail_ = tail_.load(std::memory_order_acquire);
        return head - seen_tail_ < events_.size();
    }

    // Sender: adds an event; has_room() must have said true.
    void push(const DriveEvent& event) {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        events_[head & (events_.size() - 1)] = event;
        head_.store(head + 1, std::memory_order_release);
    }

    // Collector: appends what waits to `out`, oldest first, and returns how many events that were.
    std::size_t drain(std::vector<DriveEvent>& out) {
        const std::uint64_t head = head_.load(std::memory_order_acquire);
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        for (std::uint64_t at = tail; at != head; ++at) out.push_back(events_[at & (events_.size() - 1)]);
        tail_.store(head, std::memory_order_release);
        return head - tail;
    }

  private:
    static constexpr std::size_t cache_line = 64;

    std::vector<DriveEvent> events_;
    alignas(cache_line) std::atomic<std::uint64_t> head_{0};  // events ever pushed
    std::uint64_t seen_tail_ = 0;                             // the sender's last look at tail_
    alignas(cache_line) std::atomic<std::uint64_t> tail_{0};  // events ever drained
};

}  // namespace sockray
