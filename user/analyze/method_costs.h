// What each way to send costs, and in which stage it differs from the first of them.
//
// All ways are driven in turn, round after round: what the machine does meanwhile falls on all of them alike. A number
// is that of the median round, with the least and the largest beside it; ratios are taken within a round. Throughput is
// of rounds without any hook. Times of stages are of traced rounds, in which each hook costs time: they say where the
// difference lies, and the untraced rounds how large it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "user/base/plan.h"
#include "user/correlate/path.h"
#include "user/correlate/send.h"

namespace sockray {

// One round of one way to send.
struct MethodRound {
    std::uint64_t frames = 0;   // that the kernel took
    std::uint64_t refused = 0;  // that it did not
    std::uint64_t calls = 0;
    std::uint64_t call_ns = 0;  // within the calls
    std::uint64_t wall_ns = 0;  // from the begin of the first call to the end of the last

    // What was handed to the kernel, whatever it said. Times in calls and in stages are of each of these, so that both
    // are of the same frames: a call that is refused takes its time too, and has a record.
    std::uint64_t handed() const { return frames + refused; }
};

// Where the time of one traced round went: of each stage what is its own, without the stages in it.
class MethodTimes {
  public:
    void add(const Send& send, const Plan& plan);

    // Whose record was read, with the time in packet_sendmsg.
    std::uint64_t sends() const { return sends_; }
    // ns a send; 0 where the round has none. In packet_sendmsg with all that is in it:
    double sendmsg_ns() const { return a_send(sendmsg_ns_); }
    // and of the stage in this slot by itself.
    double self_ns(int slot) const { return a_send(self_ns_[static_cast<std::size_t>(slot)]); }
    // The last that was seen there; none where nothing was.
    Stage stage(int slot) const { return stages_[static_cast<std::size_t>(slot)]; }

  private:
    double a_send(double ns) const { return sends_ ? ns / static_cast<double>(sends_) : 0; }

    std::uint64_t sends_ = 0;
    double sendmsg_ns_ = 0;
    std::array<double, SR_SLOT_COUNT> self_ns_{};
    StageBySlot stages_{};
};

// In which order a round drives the ways: each once. The same order would give each the same neighbours, and the last
// always a machine that is warm. `round`: from 0, below `rounds`.
std::vector<std::size_t> order_of_round(std::size_t ways, unsigned round, unsigned rounds);

// What was measured of one way to send.
struct MethodRuns {
    std::string method;  // "sendto", "ring-v3"
    bool bypass = false;
    std::string refused;  // why it cannot send here; empty where it can
    std::vector<MethodRound> untraced;
    std::vector<MethodRound> traced;
    std::vector<MethodTimes> times;  // of the traced rounds
};

struct Spread {
    double median = 0;
    double low = 0;
    double high = 0;
};

Spread spread_of(std::vector<double> values);

// A part of the time that a frame takes within its call. Of one round all parts add up to the whole; each number here
// is of the median round by itself, and what that leaves is the rest (MethodCost::rest_ns).
struct MethodPart {
    Stage stage = Stage::none;  // none: what is around packet_sendmsg, with the way into the kernel and back
    bool passed = true;         // false: only the first way has it
    Spread ns;                  // a frame, be it taken or refused
    double more = 0;            // ns more than with the first way; negative: less
    // The rounds of the two ways do not overlap, and it is at least 1/20 of the first way's whole time.
    bool stands_out = false;
};

struct MethodCost {
    std::string method;
    bool bypass = false;
    std::string refused;
    std::uint64_t frames = 0;  // all untraced rounds
    std::uint64_t failed = 0;
    Spread frames_a_second;  // untraced
    Spread ratio;            // of that to the first way's, in the same round
    Spread call_ns;          // untraced; within calls, a frame, be it taken or refused
    Spread traced_ns;        // the same of traced rounds
    double frames_a_call = 0;
    std::uint64_t traced_frames = 0;  // all traced rounds
    std::uint64_t traced_failed = 0;
    std::uint64_t traced_timed = 0;  // of both, those that the parts are of
    std::vector<MethodPart> parts;   // empty without traced rounds
    double rest_ns = 0;              // traced_ns less all parts, of their medians; negative where these are more
};

// In the order given. The first that can send is the one that the others are held against.
std::vector<MethodCost> method_costs(std::span<const MethodRuns> runs);

}  // namespace sockray
