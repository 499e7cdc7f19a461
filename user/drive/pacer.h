// When each send is due at a given rate.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace sockray {

// An absolute schedule: send N is due (N-1)/rate seconds after the first one, however long each takes.
// Thread-safe: all threads of a run share one.
class Pacer {
  public:
    static constexpr std::uint64_t max_rate = 1'000'000'000;  // sends per second
    // After a stall this many sends, or those of this time where that is more, may follow at once to catch
    // up; what was missed beyond that moves the schedule. The time covers a turn that another task had on the
    // CPU.
    static constexpr std::uint64_t max_burst = 64;
    static constexpr std::uint64_t max_burst_ns = 10'000'000;

    // Sends per second, 1 to max_rate.
    explicit Pacer(std::uint64_t rate) : rate_(rate), catch_up_ns_(std::max(span_ns(max_burst), max_burst_ns)) {}

    // When send `number` (1, 2, 3 ...) is due, in nanoseconds of the clock that now_ns was read from. The
    // first call starts the schedule at now_ns.
    std::uint64_t due_ns(std::uint64_t number, std::uint64_t now_ns);

  private:
    // Time of `sends` sends, rounded down, without overflow below 2^34 * rate.
    std::uint64_t span_ns(std::uint64_t sends) const {
        constexpr std::uint64_t second = 1'000'000'000;
        return sends / rate_ * second + sends % rate_ * second / rate_;
    }

    const std::uint64_t rate_;
    const std::uint64_t catch_up_ns_;         // how late a send may be without moving the schedule
    std::atomic<std::uint64_t> start_ns_{0};  // 0: not started
};

}  // namespace sockray
