// Where the time of sends went, as a tree of stages by task: what a flame graph is drawn of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "user/analyze/nesting.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"

namespace sockray {

// One stage, below the stages around it.
struct StackNode {
    Stage stage = Stage::none;            // none: a task, or the root of all
    std::string comm;                     // of a task, as the kernel gave it
    std::size_t outer = 0;                // index of the node around it; the root's own is 0
    std::uint64_t hits = 0;               // sends that passed here
    std::uint64_t self_ns = 0;            // of the stage, without what nests in it
    std::uint64_t total_ns = 0;           // its own and all that nests in it
    std::vector<std::size_t> inner = {};  // indices, in the order first seen
};

// Time is wall time, sleep included. A stage counts where its start and its end were seen and nest in the stages around
// it (analyze/nesting.h); where they were not, its time stays with the stage around it, and no stage gets time that was
// not measured. __sys_sendmmsg stands around its sends with no time of its own: that is one call's. What becomes of a
// frame behind its send is not the sender's time and is left out.
class Stacks {
  public:
    static constexpr std::size_t nodes_kept = 4096;
    static constexpr std::size_t tasks_kept = 256;

    Stacks();
    void add(const Send& send, const Plan& plan);

    // The root of all is the first; a node comes behind the one around it.
    const std::vector<StackNode>& nodes() const { return nodes_; }
    std::uint64_t sends() const { return sends_; }
    // Sends of which no stage's time is known: they are in `sends` and nowhere else.
    std::uint64_t untimed_sends() const { return untimed_; }
    // Sends of tasks beyond the first `tasks_kept`, or with stages beyond the first `nodes_kept`: in `sends` and
    // nowhere else.
    std::uint64_t other_sends() const { return others_; }

  private:
    bool has_room(const char* comm, bool of_call, const Nesting& nesting) const;
    std::size_t find(std::size_t outer, Stage stage, const char* comm) const;
    std::size_t make(std::size_t outer, Stage stage, const char* comm);

    std::vector<StackNode> nodes_;
    std::uint64_t sends_ = 0;
    std::uint64_t untimed_ = 0;
    std::uint64_t others_ = 0;
};

}  // namespace sockray
