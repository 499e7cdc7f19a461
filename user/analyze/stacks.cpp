#include "user/analyze/stacks.h"

#include <array>

namespace sockray {

namespace {

constexpr std::size_t root = 0;

std::uint64_t length(const Nested& nested) {
    return nested.step.span.end - nested.step.span.start;
}

}  // namespace

Stacks::Stacks() : nodes_(1) {}

// The root where there is none.
std::size_t Stacks::find(std::size_t outer, Stage stage, const char* comm) const {
    for (const std::size_t at : nodes_[outer].inner)
        if (nodes_[at].stage == stage && nodes_[at].comm == comm) return at;
    return root;
}

std::size_t Stacks::make(std::size_t outer, Stage stage, const char* comm) {
    if (const std::size_t known = find(outer, stage, comm)) return known;
    const std::size_t at = nodes_.size();
    nodes_.push_back({stage, comm, outer});
    nodes_[outer].inner.push_back(at);
    return at;
}

bool Stacks::has_room(const char* comm, bool of_call, const Nesting& nesting) const {
    const std::size_t most_new = nesting.size + 2;
    std::size_t base = find(root, Stage::none, comm);
    if (base == root) return nodes_[root].inner.size() < tasks_kept && nodes_.size() + most_new <= nodes_kept;
    if (nodes_.size() + most_new <= nodes_kept) return true;

    std::array<std::size_t, SR_SLOT_COUNT> node{};
    if (of_call) base = find(base, Stage::sys_sendmmsg, "");
    for (std::size_t at = 0; base != root && at < nesting.size; at++) {
        const Nested& one = nesting[at];
        if (one.fit != Fit::span) continue;
        node[at] = find(one.outer < 0 ? base : node[static_cast<std::size_t>(one.outer)], one.step.stage, "");
        if (node[at] == root) return false;
    }
    return base != root;
}

void Stacks::add(const Send& send, const Plan& plan) {
    sends_++;
    const Nesting nesting = nesting_of(send.record, plan);
    std::array<std::uint64_t, SR_SLOT_COUNT> self{};
    std::uint64_t total = 0;
    bool timed = false;
    for (std::size_t at = 0; at < nesting.size; at++) {
        const Nested& one = nesting[at];
        if (one.fit != Fit::span) continue;
        timed = true;
        self[at] = length(one);
        if (one.outer < 0)
            total += length(one);
        else
            self[static_cast<std::size_t>(one.outer)] -= length(one);
    }
    if (!timed) {
        untimed_++;
        return;
    }

    // All of a send or nothing: a part of it would be a sum that means nothing.
    const bool of_call = send.record.stage[SR_SLOT_ENTRY] == SR_STAGE_SYS_SENDMMSG;
    if (!has_room(send.record.comm, of_call, nesting)) {
        others_++;
        return;
    }

    std::array<std::size_t, SR_SLOT_COUNT> node{};
    std::size_t base = make(root, Stage::none, send.record.comm);
    for (const std::size_t at : {root, base}) {
        nodes_[at].hits++;
        nodes_[at].total_ns += total;
    }
    if (of_call) {
        base = make(base, Stage::sys_sendmmsg, "");
        nodes_[base].hits++;
        nodes_[base].total_ns += total;
    }
    for (std::size_t at = 0; at < nesting.size; at++) {
        const Nested& one = nesting[at];
        if (one.fit != Fit::span) continue;
        node[at] = make(one.outer < 0 ? base : node[static_cast<std::size_t>(one.outer)], one.step.stage, "");
        StackNode& here = nodes_[node[at]];
        here.hits++;
        here.self_ns += self[at];
        here.total_ns += length(one);
    }
}

}  // namespace sockray
