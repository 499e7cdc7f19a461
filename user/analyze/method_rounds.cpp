#include "user/analyze/method_rounds.h"

#include "user/base/format.h"

namespace sockray {

void RoundSum::add(const DriveEvent& event) {
    if (event.ret >= 0)
        round_.frames++;
    else
        round_.refused++;
    if (event.ret < 0 && event.err) error_ = event.err;
    if (first_ns_ == 0) first_ns_ = event.before_ns;
    round_.wall_ns = event.after_ns - first_ns_;
    if (event.before_ns == call_ns_) return;  // of the same call
    call_ns_ = event.before_ns;
    round_.calls++;
    round_.call_ns += event.after_ns - event.before_ns;
}

void TimesByThread::send(const Send& send) {
    if (const auto round = rounds_.find(send.record.tid); round != rounds_.end()) round->second.add(send, *plan_);
}

MethodTimes TimesByThread::of(std::uint32_t tid) const {
    const auto round = rounds_.find(tid);
    return round == rounds_.end() ? MethodTimes{} : round->second;
}

bool MethodRounds::has_frames(std::size_t way, const RoundSum& sum, const char* kind, std::size_t rounds) {
    if (sum.round().frames) return true;
    const std::string error = sum.error() ? ": " + errno_name(sum.error()) : "";
    refuse(way, fmt::format("no frame was taken in {} {}{}", kind, rounds + 1, error));
    return false;
}

void MethodRounds::add(std::size_t way, const RoundSum& sum) {
    std::vector<MethodRound>& rounds = ways_[way].untraced;
    if (has_frames(way, sum, "round", rounds.size())) rounds.push_back(sum.round());
}

void MethodRounds::add_traced(std::size_t way, const RoundSum& sum, std::uint32_t tid) {
    std::vector<MethodRound>& rounds = ways_[way].traced;
    if (!has_frames(way, sum, "traced round", rounds.size())) return;
    rounds.push_back(sum.round());
    traced_.emplace_back(way, tid);
}

void MethodRounds::take_times(const TimesByThread& times) {
    for (const auto& [way, tid] : traced_) ways_[way].times.push_back(times.of(tid));
    traced_.clear();
}

}  // namespace sockray
