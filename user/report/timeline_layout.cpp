#include "user/report/timeline_layout.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "user/analyze/devices.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {

namespace {

using Kind = TimelineEvent::Kind;

constexpr std::string_view no_end = "its end was not seen";
constexpr std::string_view contradicts = "its times contradict those of the stages around it";
constexpr std::string_view no_lane = "no lane was free for it";

// A slice or a moment, before the slices' ends are put between them.
struct Item {
    Step step;
    bool is_slice = false;
    int level = 0;
    std::string_view note;
};

// Below every slice: a moment that touches the end of one lies in it.
constexpr int innermost = SR_SLOT_COUNT;

struct Items {
    std::array<Item, SR_SLOT_COUNT + 1> item{};
    std::size_t size = 0;
    Item* begin() { return item.data(); }
    Item* end() { return item.data() + size; }
};

std::string_view note_of(Fit fit) {
    if (fit == Fit::open) return no_end;
    return fit == Fit::askew ? contradicts : "";
}

// In the order of time; of those that begin together, the outer first.
Items items_of(const Nesting& nesting, std::uint64_t drop_ns) {
    Items items;
    for (const Nested& one : nesting)
        if (one.fit != Fit::behind)
            items.item[items.size++] = {one.step, one.fit == Fit::span, one.level, note_of(one.fit)};
    if (drop_ns)
        items.item[items.size++] = {{Stage::none, Evidence::probed, {drop_ns, drop_ns}, 0}, false, innermost, {}};
    std::stable_sort(items.begin(), items.end(),
                     [](const Item& one, const Item& other) { return one.step.span.start < other.step.span.start; });
    return items;
}

bool ends_before(const Item& open, const Item& next) {
    if (open.step.span.end != next.step.span.start) return open.step.span.end < next.step.span.start;
    return open.level >= next.level;
}

bool is_in_send(const Nesting& nesting, std::uint64_t ns) {
    return std::any_of(nesting.begin(), nesting.end(), [&](const Nested& one) {
        return one.fit == Fit::span && one.step.span.start <= ns && ns <= one.step.span.end;
    });
}

}  // namespace

std::string_view event_name(const TimelineEvent& event) {
    return event.stage == Stage::none ? "kfree_skb" : stage_name(event.stage);
}

void TimelineLayout::begin() {
    events_.clear();
    new_tracks_.clear();
}

std::uint32_t TimelineLayout::new_track(TimelineTrack track) {
    track.id = ++tracks_;
    new_tracks_.push_back(std::move(track));
    return tracks_;
}

TimelineLayout::Group& TimelineLayout::thread_of(std::uint32_t pid, std::uint32_t tid, std::string_view comm) {
    std::string name = comm.empty() ? "(no name)" : printable(comm);
    std::uint64_t key = std::uint64_t{pid} << 32 | tid;
    if (!threads_.contains(key) && threads_.size() >= threads_kept) {
        key = pid = tid = 0;
        name = "other threads";
    }
    const auto [at, is_new] = threads_.try_emplace(key, thread_lanes);
    Group& thread = at->second;
    if (!is_new) return thread;
    const auto [process, new_process] = processes_.try_emplace(pid, 0);
    if (new_process) process->second = new_track({TimelineTrack::Kind::process, 0, 0, pid, pid, name});
    thread.pid = pid;
    thread.name = name;
    thread.track = new_track({TimelineTrack::Kind::thread, 0, process->second, pid, tid, name});
    thread.lane_tracks.push_back(thread.track);
    return thread;
}

TimelineLayout::Group& TimelineLayout::device_of(const Send& send) {
    const std::string_view ifname = device_reached(send).ifname;
    const std::uint32_t netns = send.record.netns_ino;
    std::pair<std::uint32_t, std::string> key{netns, ifname};
    const bool is_other = !devices_.contains(key) && devices_.size() >= devices_kept;
    if (is_other) key = {0, {}};
    const auto [at, is_new] = devices_.try_emplace(key, device_lanes);
    Group& device = at->second;
    if (!is_new) return device;
    device.name = is_other         ? "other devices"
                  : ifname.empty() ? fmt::format("a device without a name in netns {}", netns)
                                   : fmt::format("{} in netns {}", printable(ifname), netns);
    device.track = new_track({TimelineTrack::Kind::device, 0, 0, 0, 0, device.name});
    return device;
}

std::uint32_t TimelineLayout::lane_track(Group& group, std::size_t lane, TimelineTrack::Kind kind) {
    while (group.lane_tracks.size() <= lane) {
        std::string name = fmt::format("{} lane {}", group.name, group.lane_tracks.size() + 1);
        group.lane_tracks.push_back(new_track({kind, 0, group.track, group.pid, 0, std::move(name)}));
    }
    return group.lane_tracks[lane];
}

void TimelineLayout::put_nesting(Group& thread, const Nesting& nesting, std::uint64_t drop_ns) {
    Items items = items_of(nesting, drop_ns);
    if (!items.size) return;
    std::uint64_t last = 0;
    for (const Item& item : items)
        last = std::max<std::uint64_t>(last, item.is_slice ? item.step.span.end : item.step.span.start);
    const std::optional<std::size_t> lane = thread.lanes.place(items.begin()->step.span.start, last);
    const std::uint32_t track = lane_track(thread, lane.value_or(0), TimelineTrack::Kind::thread_lane);

    std::array<const Item*, SR_SLOT_COUNT> open{};
    std::size_t depth = 0;
    const auto close = [&] {
        const Step& step = open[--depth]->step;
        events_.push_back({Kind::end, track, step.span.end, step.stage, step.evidence});
    };
    for (const Item& item : items) {
        while (depth && ends_before(*open[depth - 1], item)) close();
        const bool is_slice = item.is_slice && lane;
        events_.push_back(
            {is_slice ? Kind::begin : Kind::moment, track, item.step.span.start, item.step.stage, item.step.evidence});
        events_.back().note = item.is_slice && !lane ? no_lane : item.note;
        if (is_slice) open[depth++] = &item;
    }
    while (depth) close();
}

void TimelineLayout::put_behind(Group& device, const Step& step) {
    TimelineEvent event{Kind::moment, device.track, step.span.start, step.stage, step.evidence};
    event.joined = true;
    if (step.stage != Stage::ndo) {
        events_.push_back(event);
        return;
    }
    const bool has_end = step.span.end >= step.span.start;
    const std::optional<std::size_t> lane = has_end ? device.lanes.place(step.span.start, step.span.end) : std::nullopt;
    if (!lane) {
        event.note = has_end ? no_lane : step.span.end ? contradicts : no_end;
        events_.push_back(event);
        return;
    }
    event.kind = Kind::begin;
    event.track = lane_track(device, *lane, TimelineTrack::Kind::device_lane);
    events_.push_back(event);
    event.kind = Kind::end;
    event.ns = step.span.end;
    event.joined = false;
    events_.push_back(event);
}

void TimelineLayout::put_behind(const Send& send, const Nesting& nesting, std::uint64_t drop_ns) {
    Group* device = nullptr;
    const auto put = [&](const Step& step) {
        if (!device) device = &device_of(send);
        put_behind(*device, step);
    };
    for (const Nested& one : nesting)
        if (one.fit == Fit::behind) put(one.step);
    if (drop_ns) put({Stage::none, Evidence::probed, {drop_ns, drop_ns}, 0});
    if (device && !events_.empty()) events_.front().joined = true;
}

std::span<const TimelineEvent> TimelineLayout::add(const Send& send, const Plan& plan) {
    begin();
    const sr_send& record = send.record;
    const Nesting nesting = nesting_of(record, plan);
    const std::uint64_t drop_ns = record.flags & SR_SEND_DROP ? record.drop_ns : 0;
    const bool dropped_in_send = drop_ns && is_in_send(nesting, drop_ns);

    Group& thread = thread_of(record.pid, record.tid, record.comm);
    put_nesting(thread, nesting, dropped_in_send ? drop_ns : 0);
    put_behind(send, nesting, dropped_in_send ? 0 : drop_ns);
    if (!events_.empty()) events_.front().first = true;
    put_nesting(thread, call_nesting_of(record, plan), 0);
    return events_;
}

std::span<const TimelineEvent> TimelineLayout::add(const sr_socket& record, const Plan& plan) {
    begin();
    put_nesting(thread_of(record.pid, record.tid, record.comm), nesting_of(record, plan), 0);
    if (!events_.empty()) events_.front().first = true;
    return events_;
}

}  // namespace sockray
