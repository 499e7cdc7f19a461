// Two sessions held against each other: did the path change, did sends end otherwise, did a stage get slower?
//
// What is tested, and why it is sound:
//
// Times. A session is cut into 32 to 64 blocks of consecutive sends (blocks.h); a block is one observation of a stage's
// level. Two sessions are compared by Mann and Whitney's U over their blocks, and the change is the Hodges-Lehmann
// estimate of the ratio of levels with its interval. Sends within a block depend on each other, which does no harm;
// blocks that still depend on each other count as fewer (statistics.h), so that a session with slow stretches proves
// less, and not more, the longer they are. A stage got slower when the difference is significant *and* larger than the
// tolerance.
//
// Shares of paths and outcomes. A test of two proportions with the variance between the blocks, for drops come in
// bursts. Here too a difference has to be significant *and* matter: a path is there from 1 % of all sends on, and is
// gone below 0.1 %, so that a stray send in a million is no change, and one at the edge none either. A lost frame is a
// lost frame: more of them count from one in a thousand sends on, and where both sessions lose many, from a tenth of
// these on, for so much sessions differ by themselves. A smaller difference that is no chance is told as that.
//
// All tests of a comparison are one family (Holm): if nothing has changed, at most 1 comparison in 100 says that
// something has, whatever the tolerance.
//
// What no test can know from two sessions is how much sessions differ by themselves: another CPU, its frequency, what
// else runs. That is what the tolerance is for.
//
// Only stages that both kernels have a hook for are held against each other, so that a function that is inlined on one
// of them is a difference of evidence and not of the path. Hooks cost time, of each stage and of all around it: where
// they differ in kind, times are shown and not judged. Where --outcome left sends out of a recording, nobody knows
// which paths these took, and the shares of outcomes are what was asked for: both are shown and not judged.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "user/analyze/profile.h"
#include "user/base/plan.h"
#include "user/correlate/path.h"

namespace sockray {

inline constexpr double significance = 0.01;      // of all tests of a comparison together
inline constexpr double default_tolerance = 0.2;  // 20 % slower
inline constexpr double path_there = 0.01;        // share of all sends from which on a path is there
inline constexpr double path_gone = 0.001;        // and below which it is not
inline constexpr double share_shift = 0.1;        // by which a path's share must change to be told
inline constexpr double loss_shift = 0.001;       // by which that of lost sends must change to count,
inline constexpr double common_loss = 0.1;        // or by so much of what is lost in both, if that is more,
inline constexpr double outcome_shift = 0.01;     // and at most by this; of those that are queued always
inline constexpr std::size_t least_blocks = 8;    // with a time of the stage: 56 sends

enum class TimeVerdict {
    same,    // no difference that is significant and larger than the tolerance
    slower,  // B than A
    faster,
    hooks,   // not judged: hooks that differ cost time within it
    too_few  // not judged: too few sends
};

struct StageSide {
    std::uint64_t sends = 0;   // of which the time is known
    std::uint64_t median = 0;  // ns
    std::uint64_t p99 = 0;
};

struct StageChange {
    Stage stage = Stage::none;
    int slot = 0;
    int depth = 0;
    bool has_times = false;  // in both; else only that the path passes it
    StageSide a;
    StageSide b;
    double ratio = 1;  // of levels, B to A, with the interval of `confidence`
    double low = 1;
    double high = 1;
    double p = 1;  // adjusted
    TimeVerdict verdict = TimeVerdict::too_few;
};

enum class PathVerdict {
    same,
    appeared,
    vanished,
    shifted,  // in both, with another share of the sends: told, and no change of the path
    unclear,  // in one only, and too few sends to tell that from chance
    left_out  // not judged: --outcome left sends out, which may have come this way
};

struct PathChange {
    StageBySlot stages{};  // those that both plans have a hook for
    std::uint64_t sends_a = 0;
    std::uint64_t sends_b = 0;
    double share_a = 0;  // of all sends
    double share_b = 0;
    double p = 1;
    PathVerdict verdict = PathVerdict::same;
    std::vector<StageChange> times;
};

struct OutcomeChange {
    Outcome outcome = Outcome::delivered;
    std::uint64_t sends_a = 0;
    std::uint64_t sends_b = 0;
    double share_a = 0;  // of the sends whose outcome is known
    double share_b = 0;
    double p = 1;
    double counts_from = outcome_shift;  // the difference of shares from which on it counts
    bool judged = true;                  // not where --outcome left sends out
    bool significant = false;            // no chance, however small
    bool changed = false;                // significant, and it counts
    bool worse = false;                  // changed, and more are dropped or failed, or fewer delivered
    bool unclear = false;                // B alone has such losses, and too few sends to tell that from chance
    // More are dropped or failed, or fewer delivered, by whatever amount.
    bool is_for_the_worse() const {
        if (outcome == Outcome::delivered) return share_b < share_a;
        return (outcome == Outcome::dropped || outcome == Outcome::failed) && share_b > share_a;
    }
};

struct ReasonChange {
    Outcome outcome = Outcome::unknown;
    std::string text;
    std::uint64_t sends_a = 0;
    std::uint64_t sends_b = 0;
    ReasonText words;  // what `text` is made of
};

// How a stage is known differs.
struct EvidenceChange {
    Stage stage = Stage::none;
    Evidence a = Evidence::absent;
    Evidence b = Evidence::absent;
    std::string hook_a;
    std::string hook_b;
};

enum class Verdict {
    same,           // all was judged, and nothing changed
    changed,        // something did, of what was judged
    not_all_judged  // nothing of what was judged; something was not: unjudged() says what
};

// How many of each could not be judged.
struct Unjudged {
    std::size_t paths = 0;     // unclear, or left out
    std::size_t outcomes = 0;  // likewise
    std::size_t hooks = 0;     // times of stages in which hooks differ
    std::size_t too_few = 0;   // times of stages that too few sends passed
    std::size_t all() const { return paths + outcomes + hooks + too_few; }
};

struct Comparison {
    double tolerance = default_tolerance;
    std::size_t tests = 0;
    std::uint64_t sends_a = 0;
    std::uint64_t sends_b = 0;
    std::uint64_t left_out_a = 0;  // by --outcome: neither in sends_a nor in any share
    std::uint64_t left_out_b = 0;
    std::vector<PathChange> paths;        // the larger share first
    std::vector<OutcomeChange> outcomes;  // those that either has; never `unknown`, which is of tracing
    std::vector<ReasonChange> reasons;    // those that either has, the larger share first
    std::vector<EvidenceChange> evidence;
    bool hooks_differ = false;  // times of some stages are not judged

    bool path_changed() const;
    bool outcomes_worse() const;
    bool slower() const;
    Unjudged unjudged() const;
    Verdict verdict() const;
    // What a user wants to be told of by the exit status.
    bool changed() const { return path_changed() || outcomes_worse() || slower(); }
};

// `tolerance`: 0.2 is 20 %, at least 0.
Comparison compare(const Profile& a, const Profile& b, double tolerance);

}  // namespace sockray
