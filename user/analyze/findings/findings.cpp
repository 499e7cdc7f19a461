#include "user/analyze/findings/findings.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "user/analyze/findings/rules.h"
#include "user/correlate/path.h"

namespace sockray {

Findings::Findings() {
    for (auto make : {send_buffer_rule, qdisc_rule, driver_rule, frame_length_rule, interface_rule, ring_format_rule,
                      tx_ring_rule, copies_rule, single_calls_rule, one_thread_rule, one_queue_rule, softirq_rule,
                      receiver_full_rule, bypass_rule, receives_all_rule, other_losses_rule, tracing_loss_rule,
                      device_counters_rule, incomplete_recording_rule})
        rules_.push_back(make());
}

void Findings::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    traced_ = origin.stages != 0;
    plan_ = plan;
    names_ = &names;
    for (const auto& rule : rules_) rule->begin(plan, names);
}

void Findings::socket(const sr_socket& record, std::uint64_t) {
    for (const auto& rule : rules_) rule->socket(record);
}

void Findings::send(const Send& send) {
    const SeenSend seen{send, lost_to(send, *names_), duration_ns(send.record).value_or(0), begin_ns(send.record)};
    totals_.sends++;
    totals_.kernel_ns += seen.kernel_ns;
    for (const auto& rule : rules_) rule->send(seen);
}

void Findings::end(const Ending& ending) {
    cut_off_ = ending.cut_off;
    missing_files_ = ending.missing.any();
    if (!traced_ && ending.capture) {
        untraced_frames_ = ending.capture->told();
        return;
    }
    for (const auto& rule : rules_) {
        std::vector<Finding> found = rule->conclude(totals_, ending);
        std::move(found.begin(), found.end(), std::back_inserter(result_));
    }
    std::stable_sort(result_.begin(), result_.end(), [](const Finding& a, const Finding& b) {
        return a.kind != b.kind ? a.kind < b.kind : a.cost > b.cost;
    });
}

std::vector<Findings::Subject> Findings::subjects() const {
    std::vector<Subject> subjects;
    for (const auto& rule : rules_) {
        const Stage needs = rule->needs();
        const bool blind = needs != Stage::none && plan_.evidence(needs) == Evidence::absent;
        const bool incomplete = (cut_off_ && rule->needs_ledger()) || (missing_files_ && rule->needs_all_files());
        subjects.push_back({rule->subject(), blind ? needs : Stage::none, incomplete});
    }
    return subjects;
}

}  // namespace sockray
