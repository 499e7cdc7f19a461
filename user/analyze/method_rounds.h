// The rounds of compare-methods, summed up: what the driver did in each, and where the time of the traced ones went.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "user/analyze/method_costs.h"
#include "user/base/plan.h"
#include "user/correlate/sink.h"
#include "user/drive/event.h"

namespace sockray {

// Sums the driver's events up to one round.
class RoundSum {
  public:
    void add(const DriveEvent& event);

    const MethodRound& round() const { return round_; }
    // errno of the last frame that was refused with one; 0: none was.
    int error() const { return error_; }

  private:
    MethodRound round_;
    std::uint64_t first_ns_ = 0;
    std::uint64_t call_ns_ = 0;  // when the last call began
    int error_ = 0;
};

// Of which round a send is: by the thread that made it, of which each round has its own.
class TimesByThread : public Sink {
  public:
    void begin(const Origin&, const Plan& plan, const KernelNames&) override { plan_ = &plan; }
    void send(const Send& send) override;

    // From here on, this thread's sends are of a round that begins now. Those of others are not looked at.
    void expect(std::uint32_t tid) { rounds_[tid] = {}; }
    // Nothing where it was not expected.
    MethodTimes of(std::uint32_t tid) const;

  private:
    const Plan* plan_ = nullptr;
    std::unordered_map<std::uint32_t, MethodTimes> rounds_;
};

// All rounds of all ways to send. A way is told by its place among those given.
class MethodRounds {
  public:
    explicit MethodRounds(std::vector<MethodRuns> ways) : ways_(std::move(ways)) {}

    std::size_t size() const { return ways_.size(); }
    bool is_refused(std::size_t way) const { return !ways_[way].refused.empty(); }
    void refuse(std::size_t way, std::string why) { ways_[way].refused = std::move(why); }

    // A round of which no frame was taken has no rate: then the way is refused.
    void add(std::size_t way, const RoundSum& sum);
    void add_traced(std::size_t way, const RoundSum& sum, std::uint32_t tid);
    // Of the traced rounds; behind the end of the session, when all sends have been told.
    void take_times(const TimesByThread& times);

    const std::vector<MethodRuns>& ways() const { return ways_; }

  private:
    bool has_frames(std::size_t way, const RoundSum& sum, const char* kind, std::size_t rounds);

    std::vector<MethodRuns> ways_;
    std::vector<std::pair<std::size_t, std::uint32_t>> traced_;  // way and thread, in the order of the rounds
};

}  // namespace sockray
