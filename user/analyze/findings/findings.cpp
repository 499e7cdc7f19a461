#include "user/analyze/findings/findings.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "user/analyze/findings/rules.h"
#include "user/correlate/path.h"

namespace sockray {

Findings::Findings() {
    for (auto make :
         {send_buffer_rule,  qdisc_rule,        driver_rule,          frame_length_rule, interface_rule,
          ring_format_rule,  tx_ring_rule,      copies_rule,          single_calls_rule, one_thread_rule,
          one_queue_rule,    softirq_rule,      receiver_full_rule,   bypass_rule,       receives_all_rule,
          other_losses_rule, tracing_loss_rule, device_counters_rule, left_out_rule,     incomplete_recording_rule})
        rules_.push_back(make());
}

void Findings::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    traced_ = origin.stages != 0;
    asked_for_ = origin.stages;
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
    totals_.by_outcome[static_cast<std::size_t>(send.outcome)]++;
    totals_.kernel_ns += seen.kernel_ns;
    for (const auto& rule : rules_) rule->send(seen);
}

void Findings::end(const Ending& ending) {
    cut_off_ = ending.cut_off;
    cut_by_count_ = is_cut_by_count(ending);
    totals_.all_files = !ending.missing.any();
    if (!traced_ && ending.capture) {
        untraced_frames_ = ending.capture->told();
        return;
    }
    count_those_left_out(ending);
    for (const auto& rule : rules_) {
        std::vector<Finding> found = rule->conclude(totals_, ending);
        std::move(found.begin(), found.end(), std::back_inserter(result_));
    }
    std::stable_sort(result_.begin(), result_.end(), [](const Finding& a, const Finding& b) {
        return a.kind != b.kind ? a.kind < b.kind : a.cost > b.cost;
    });
}

void Findings::count_those_left_out(const Ending& ending) {
    if (ending.cut_off) return;
    const Ledger& ledger = ending.ledger;
    totals_.left_out = ledger.left_out;
    std::uint64_t lost = 0;
    for (const Outcome outcome : {Outcome::dropped, Outcome::failed}) {
        const auto i = static_cast<std::size_t>(outcome);
        lost += ledger.decoded_by_outcome[i] - std::min(ledger.decoded_by_outcome[i], totals_.by_outcome[i]);
    }
    totals_.lost_left_out = std::min(lost, ledger.left_out);
}

Subject Findings::seen_of(const LooksAt& looks_at) const {
    for (const StageSet one_of : looks_at.needs) {
        Stage absent = Stage::none;
        bool there = false;
        for (const StageInfo& info : all_stages) {
            if (!(one_of & stage_bit(info.stage))) continue;
            there = there || plan_.evidence(info.stage) != Evidence::absent;
            if (absent == Stage::none) absent = info.stage;
        }
        if (!there) return {looks_at.subject, one_of & asked_for_ ? Sight::not_there : Sight::not_traced, absent};
    }
    if ((cut_off_ && looks_at.ledger) || (!totals_.all_files && looks_at.all_files))
        return {looks_at.subject, Sight::recording_cut};
    if (looks_at.all_sends && (totals_.left_out || cut_by_count_)) return {looks_at.subject, Sight::sends_left_out};
    const bool in_part = looks_at.lost_sends && totals_.lost_left_out;
    return {looks_at.subject, in_part ? Sight::in_part : Sight::whole};
}

Looked Findings::looked() const {
    Looked looked{totals_.sends, totals_.left_out, {}};
    if (cut_off_) looked.left_out.reset();
    for (const auto& rule : rules_)
        for (const LooksAt& looks_at : rule->looks_at()) looked.subjects.push_back(seen_of(looks_at));
    return looked;
}

}  // namespace sockray
