// The way of events from one sending thread to the one that collects them: bounded, lock-free, nothing lost.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
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

    // Sender: whether `count` events (at most the capacity) can be pushed. Once true it stays so until the next push().
    bool has_room(std::size_t count = 1) {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        if (head + count - seen_tail_ <= events_.size()) return true;
        seen_tail_ = tail_.load(std::memory_order_acquire);
        return head + count - seen_tail_ <= events_.size();
    }

    // Sender: adds events; has_room() must have said true for so many. The collector sees all of them or none: what one
    // system call did never arrives in pieces.
    void push(std::span<const DriveEvent> events) {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        for (std::size_t i = 0; i < events.size(); ++i) events_[(head + i) & (events_.size() - 1)] = events[i];
        head_.store(head + events.size(), std::memory_order_release);
    }
    void push(const DriveEvent& event) { push({&event, 1}); }

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
