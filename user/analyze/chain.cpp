#include "user/analyze/chain.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace sockray {

namespace {

// By bytes: std::array would compare them one by one.
bool is_of(const Path& path, const StageBySlot& stages) {
    return std::memcmp(path.stages.data(), stages.data(), sizeof stages) == 0;
}

void keep_name(Path& path, std::vector<std::string>& names, std::string_view name) {
    if (name.empty()) return;
    for (const std::string& known : names)
        if (known == name) return;
    if (names.size() < Path::names_kept)
        names.emplace_back(name);
    else
        path.more_names = true;
}

// The outermost stage that is one send's alone: sendmmsg's entry is that of many sends, and all that stands around
// tpacket_snd that of many frames.
int root_of(const StageBySlot& stages) {
    if (stages[SR_SLOT_BODY] == Stage::tpacket_snd) return SR_SLOT_SENDMSG;
    for (int slot : {SR_SLOT_ENTRY, SR_SLOT_SOCK, SR_SLOT_INNER})
        if (stages[slot] != Stage::none && stages[slot] != Stage::sys_sendmmsg) return slot;
    return SR_SLOT_SENDMSG;
}

bool body_in_order(const sr_send& record) {
    const std::uint64_t at = record.span[SR_SLOT_BODY].start;
    if (record.body_hits != 1 || at < record.span[SR_SLOT_SENDMSG].start) return false;
    for (int slot = SR_SLOT_ALLOC; slot < SR_SLOT_COUNT; slot++)
        if (record.span[slot].start) return at <= record.span[slot].start;
    const std::uint64_t end = record.span[SR_SLOT_SENDMSG].end;
    return end == 0 || at <= end;
}

void add_times(Path& path, const sr_send& record) {
    const std::uint64_t root = record.span[path.root].start;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        if (record.stage[slot] == SR_STAGE_NONE) continue;
        StageTimes& times = path.times[slot];
        times.hits++;
        const std::uint64_t start = record.span[slot].start;
        const std::uint64_t end = record.span[slot == SR_SLOT_BODY ? SR_SLOT_SENDMSG : slot].end;
        if (start == 0) continue;
        if (end >= start) times.duration.add(end - start);
        if (root && start >= root) times.offset.add(start - root);
    }
}

}  // namespace

Path* Chain::path_of(const StageBySlot& stages) {
    if (last_ < paths_.size() && is_of(paths_[last_], stages)) return &paths_[last_];
    for (last_ = 0; last_ < paths_.size(); last_++)
        if (is_of(paths_[last_], stages)) return &paths_[last_];
    if (paths_.size() == paths_kept) return nullptr;
    Path& path = paths_.emplace_back();
    path.stages = stages;
    path.root = root_of(stages);
    return &path;
}

void Chain::keep_names(Path& path, const sr_send& record) {
    const std::string_view entry = entry_name(record);
    // entry_name() gives constants: equal ones are one.
    if (names_of_ == last_ && entry_.data() == entry.data() && std::memcmp(ifname_, record.ifname, sizeof ifname_) == 0)
        return;
    names_of_ = last_;
    entry_ = entry;
    std::memcpy(ifname_, record.ifname, sizeof ifname_);
    keep_name(path, path.entries, entry);
    keep_name(path, path.ifnames, record.ifname);
}

bool is_behind(const Path& path, int slot) {
    const StageTimes& times = path.times[static_cast<std::size_t>(slot)];
    return times.offset.count() > 0 &&
           times.offset.quantile(0.5) >= path.times[static_cast<std::size_t>(path.root)].duration.quantile(0.5);
}

void Chain::add(const Send& send) {
    const sr_send& record = send.record;
    sends_++;
    Path* path = path_of(passed_stages(record));
    if (!path) {
        other_sends_++;
        return;
    }
    path->sends++;
    path->outcomes[static_cast<std::size_t>(send.outcome)]++;
    keep_names(*path, record);
    add_times(*path, record);
    if (record.stage[SR_SLOT_BODY] != SR_STAGE_NONE) {
        if (body_in_order(record))
            path->body_in_order++;
        else
            path->body_out_of_order++;
    }
}

}  // namespace sockray
