// Joins what the driver did with what the kernel recorded: the same send, known by the number in its frame and by its
// thread.
//
// Both sides arrive in the order of each thread. A record that carries a number must be of that number and that thread,
// lie within the driver's own two readings of the clock, and have the same result; then the send is correlated.
//
// A record without a number (it failed before there was a frame to read it from, or the frames come from a file) is
// known by its time: the next event of its thread whose times enclose it. Where one call made several sends they share
// those times (sendmmsg, a TX ring). Then the one that failed is the last of them, since the call stopped there; the
// others are told apart by their order, and only if the kernel's side has as many as the driver's: with a record lost,
// nothing says which one it was, and none of them is joined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "user/correlate/send.h"
#include "user/drive/event.h"

namespace sockray {

class Matcher {
  public:
    // Events of any threads; those of one thread in its own order, those of one system call together.
    void add_events(std::span<const DriveEvent> events);

    // A record that was judged. Returned later by take_matched().
    void add_send(Send&& send);

    // All sends whose event is decided by now, in the order in which they were added for each thread: `number` is set
    // where it was found. With `all`, those that still wait are returned as they are.
    void take_matched(std::vector<Send>& out, bool all);

    // Drops events of calls that ended before `ns`, CLOCK_MONOTONIC, and that no record asks for: for sends that leave
    // none (a filter), which would be kept for good.
    void forget_events_before(std::uint64_t ns);

    std::uint64_t driven() const { return driven_; }
    std::uint64_t correlated() const { return correlated_; }

    // Records that carried a number and yet contradicted the driver's own event: never expected.
    std::uint64_t contradicted() const { return contradicted_; }

  private:
    struct Thread {
        std::deque<DriveEvent> events;
        std::deque<Send> sends;
        // The system call that the last records without a number were of, and whether they are joined by their order.
        std::uint64_t call_ns = 0;
        bool by_order = false;
    };
    bool settle(Thread& thread, bool all);
    void join(Thread& thread, std::size_t place, Send& send);
    std::optional<bool> same_order(Thread& thread, std::size_t events, bool all);

    std::unordered_map<std::uint32_t, Thread> threads_;
    std::uint64_t driven_ = 0;
    std::uint64_t correlated_ = 0;
    std::uint64_t contradicted_ = 0;
};

}  // namespace sockray
