#include "user/analyze/activity.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <functional>
#include <iterator>
#include <tuple>

#include "user/analyze/senders.h"
#include "user/analyze/stage_time.h"
#include "user/correlate/path.h"

namespace sockray {
namespace {

bool holds(std::string_view text, std::string_view part) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

template <std::size_t size>
std::string_view text_of(const std::array<char, size>& field) {
    return {field.data(), std::find(field.begin(), field.end(), '\0')};
}

void keep(std::deque<double>& values, double next) {
    values.push_back(next);
    if (values.size() > ActivitySink::intervals_kept) values.pop_front();
}

void count(SendCounts& counts, const Send& send, std::uint64_t bytes) {
    counts.sends++;
    counts.bytes += bytes;
    counts.outcomes[static_cast<std::size_t>(send.outcome)]++;
}

Latency latency_of(const Histogram& times) {
    return {times.count(), times.quantile(0.5), times.quantile(0.99)};
}

}  // namespace

SendCounts& SendCounts::operator+=(const SendCounts& other) {
    sends += other.sends;
    bytes += other.bytes;
    for (std::size_t i = 0; i < outcomes.size(); i++) outcomes[i] += other.outcomes[i];
    return *this;
}

bool matches(const ActiveSender& sender, std::string_view text) {
    return holds(sender.comm, text) || holds(sender.ifname, text) || holds(sender.method, text) ||
           holds(std::to_string(sender.pid), text) || holds(std::to_string(sender.socket_ino), text);
}

std::size_t ActivitySink::KeyHash::operator()(const Key& key) const {
    std::size_t hash = std::hash<std::uint64_t>{}(key.socket_ino << 22 ^ key.pid);
    for (const std::string_view part : {text_of(key.comm), text_of(key.ifname), key.method})
        hash = hash * 31 + std::hash<std::string_view>{}(part);
    return hash;
}

ActivitySink::Key ActivitySink::key_of(const sr_send& record) {
    Key key{record.pid, record.socket_ino, {}, {}, entry_name(record)};
    if (record.flags & SR_SEND_TX_RING) key.method = "tx_ring";
    const std::string_view comm(record.comm, ::strnlen(record.comm, sizeof record.comm));
    const std::string_view ifname(record.ifname, ::strnlen(record.ifname, sizeof record.ifname));
    std::copy(comm.begin(), comm.end(), key.comm.begin());
    std::copy(ifname.begin(), ifname.end(), key.ifname.begin());
    return key;
}

void ActivitySink::begin(const Origin& origin, const Plan&, const KernelNames&) {
    activity_.start_ns = activity_.end_ns = origin.start_ns;
    activity_.realtime_offset_ns = origin.realtime_offset_ns;
}

void ActivitySink::send(const Send& send) {
    const std::uint64_t bytes = send.record.len;
    const auto took = duration_ns(send.record);
    Open& sender = find(key_of(send.record));
    for (Open* open : {&sender, &all_}) {
        count(open->now, send, bytes);
        if (took) open->times.add(*took);
    }
    if (sender.chosen) add_stages(send.record);
}

ActivitySink::Open& ActivitySink::find(const Key& key) {
    if (const auto found = senders_.find(key); found != senders_.end()) return found->second;
    if (senders_.size() >= kept_) merge_least();
    Open& open = senders_[key];
    open.sender.pid = key.pid;
    open.sender.socket_ino = key.socket_ino;
    open.sender.comm = text_of(key.comm);
    open.sender.ifname = text_of(key.ifname);
    open.sender.method = key.method;
    open.chosen = matches(open.sender, filter_);
    return open;
}

// A quarter at once, so that a stream of ever new senders does not search for the least at each.
void ActivitySink::merge_least() {
    std::vector<decltype(senders_)::iterator> rows;
    for (auto row = senders_.begin(); row != senders_.end(); ++row) rows.push_back(row);
    const auto activity = [](const Open& open) {
        return std::tuple(open.now.sends + open.sender.last.sends, open.sender.total.sends);
    };
    const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rows.size() / 4, 1));
    std::nth_element(rows.begin(), std::prev(middle), rows.end(),
                     [&](const auto& a, const auto& b) { return activity(a->second) < activity(b->second); });
    for (auto row = rows.begin(); row != middle; ++row) {
        const Open& least = (*row)->second;
        others_.now += least.now;
        others_.sender.total += least.sender.total;
        others_.times.merge(least.times);
        senders_.erase(*row);
        activity_.merged++;
    }
}

void ActivitySink::add_stages(const sr_send& record) {
    const StageBySlot stages = passed_stages(record);
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        const auto ns = stage_time_ns(record, stages, slot);
        if (!ns || record.stage[slot] >= stage_count) continue;
        OpenStage& open = stages_[record.stage[slot]];
        open.passed = true;
        open.times.add(*ns);
    }
}

void ActivitySink::set_filter(std::string_view text) {
    if (text == filter_) return;
    filter_ = text;
    for (auto& [key, open] : senders_) open.chosen = matches(open.sender, filter_);
    stages_ = {};
}

void ActivitySink::close(Open& open, const Activity& interval) {
    ActiveSender& sender = open.sender;
    sender.last = open.now;
    sender.total += open.now;
    sender.latency = latency_of(open.times);
    keep(sender.rates, interval.a_second(open.now.sends));
    open.now = {};
    if (open.times.count()) open.times = {};
}

void ActivitySink::close_interval(std::uint64_t now_ns) {
    activity_.interval_ns = now_ns - activity_.end_ns;
    activity_.end_ns = now_ns;
    activity_.senders.clear();
    for (auto& [key, open] : senders_) {
        close(open, activity_);
        activity_.senders.push_back(open.sender);
    }
    close(others_, activity_);
    close(all_, activity_);
    activity_.others = others_.sender;
    activity_.all = all_.sender;
    activity_.filter = filter_;
    activity_.stages.clear();
    for (const StageInfo& info : all_stages) {
        OpenStage& open = stages_[static_cast<std::size_t>(info.stage)];
        if (!open.passed) continue;
        open.stage.stage = info.stage;
        open.stage.latency = latency_of(open.times);
        keep(open.stage.medians, static_cast<double>(open.stage.latency.median));
        keep(open.stage.p99s, static_cast<double>(open.stage.latency.p99));
        activity_.stages.push_back(open.stage);
        open.times = {};
    }
}

}  // namespace sockray
