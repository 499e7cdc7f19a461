#include "user/analyze/nesting.h"

namespace sockray {

namespace {

bool is_of_call(const sr_send& record, const Step& step) {
    const int slot = stage_info(step.stage).slot;
    return record.stage[SR_SLOT_ENTRY] == SR_STAGE_SYS_SENDMMSG && (slot == SR_SLOT_ENTRY || slot == SR_SLOT_LOOKUP);
}

// Stages that others than the sender may pass, with the frame.
bool is_of_frame(int slot) {
    return slot == SR_SLOT_ENQUEUE || slot == SR_SLOT_DEQUEUE || slot == SR_SLOT_NDO || slot == SR_SLOT_RECEIVE ||
           slot == SR_SLOT_FREED;
}

bool is_within(const sr_span& inner, const sr_span& outer) {
    return inner.start >= outer.start && inner.end <= outer.end;
}

bool overlap(const sr_span& one, const sr_span& other) {
    return one.start < other.end && other.start < one.end;
}

class Nester {
  public:
    Nester() { around_.fill(-1); }

    // In the order of the path.
    void add(const Step& step) {
        const auto depth = static_cast<std::size_t>(step.depth);
        around_[depth] = -1;
        if (!step.span.start) return;
        Nested next{step, Fit::span, -1, 0};
        for (std::size_t at = 0; at < depth; at++)
            if (around_[at] >= 0) next.outer = around_[at];
        if (next.outer >= 0) next.level = nesting_[static_cast<std::size_t>(next.outer)].level + 1;
        next.fit = fit_of(next);
        if (next.fit == Fit::span) around_[depth] = static_cast<int>(nesting_.size);
        nesting_.nested[nesting_.size++] = next;
    }

    const Nesting& nesting() const { return nesting_; }

  private:
    bool is_beside_all(const Nested& next) const {
        for (const Nested& before : nesting_)
            if (before.fit == Fit::span && before.outer == next.outer && overlap(before.step.span, next.step.span))
                return false;
        return true;
    }

    Fit fit_of(const Nested& next) const {
        const sr_span& span = next.step.span;
        const int slot = stage_info(next.step.stage).slot;
        const bool inside = next.outer < 0 || is_within({span.start, span.end ? span.end : span.start},
                                                        nesting_[static_cast<std::size_t>(next.outer)].step.span);
        // Without a span around a stage of the frame nobody can say whether the sender passed it.
        if (is_of_frame(slot) && (!inside || next.outer < 0)) return Fit::behind;
        if (is_moment(slot)) return Fit::moment;
        if (!span.end) return Fit::open;
        if (span.end < span.start || !inside || !is_beside_all(next)) return Fit::askew;
        return Fit::span;
    }

    Nesting nesting_;
    // By depth of the path: index of the span that the last stage of that depth is, -1 where it is none.
    std::array<int, SR_SLOT_COUNT> around_{};
};

}  // namespace

Nesting nesting_of(const sr_send& record, const Plan& plan) {
    Nester nester;
    for (const Step& step : steps_of(record, plan))
        if (!is_of_call(record, step)) nester.add(step);
    return nester.nesting();
}

Nesting nesting_of(const sr_socket& record, const Plan& plan) {
    Nester nester;
    for (const Step& step : steps_of(record, plan)) nester.add(step);
    return nester.nesting();
}

Nesting call_nesting_of(const sr_send& record, const Plan& plan) {
    Nester nester;
    if (record.span[SR_SLOT_ENTRY].end)
        for (const Step& step : steps_of(record, plan))
            if (is_of_call(record, step)) nester.add(step);
    return nester.nesting();
}

}  // namespace sockray
