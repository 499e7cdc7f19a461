// What a timeline shows of a session, and on which track: what all formats of timelines share.
//
// A thread has a track for each of its lanes. On the first lane lie its sends, each as nested slices of its stages, and
// its creations of sockets. What would overlap there goes to the next lane: a call of sendmmsg around its sends, and
// every other frame of a TX ring, whose send begins in the nanosecond in which the one before ended.
//
// What becomes of a frame behind its send lies on the tracks of its device. A queue holds many frames at once, so the
// first track of a device has moments only: qdisc_enqueue and qdisc_dequeue, packet_rcv, skb_freed, and kfree_skb where
// the kernel dropped the frame. The driver's ndo_start_xmit lies on lanes beside it, as many as drivers' calls overlap.
//
// On each track slices nest, whatever the records say, and two sends never touch: a reader that sorts by time gets the
// same picture whatever the order in which sends were written. What has no end, contradicts the stages around it, or
// finds no lane is shown as a moment, with a note that says so.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "user/analyze/nesting.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"
#include "user/report/lanes.h"

namespace sockray {

struct TimelineTrack {
    enum class Kind { process, thread, thread_lane, device, device_lane };
    Kind kind = Kind::process;
    std::uint32_t id = 0;     // 1, 2, 3 ... in the order in which tracks came up
    std::uint32_t outer = 0;  // id of a thread's process, or of a lane's thread or device
    std::uint32_t pid = 0;    // threads and processes; 0 for those beyond the first `threads_kept`, which share a track
    std::uint32_t tid = 0;
    std::string name;  // printable
};

struct TimelineEvent {
    enum class Kind { begin, end, moment };
    Kind kind = Kind::moment;
    std::uint32_t track = 0;
    std::uint64_t ns = 0;       // CLOCK_MONOTONIC
    Stage stage = Stage::none;  // none: kfree_skb
    Evidence evidence = Evidence::probed;
    bool first = false;          // of a send or socket: what is known of it as a whole is told here
    bool joined = false;         // the send, and what became of its frame elsewhere: to be joined by a flow
    std::string_view note = {};  // why a stage that has a length is a moment here; a constant
};

std::string_view event_name(const TimelineEvent& event);

class TimelineLayout {
  public:
    static constexpr std::size_t threads_kept = 1024;
    static constexpr std::size_t devices_kept = 256;
    static constexpr std::size_t thread_lanes = 4;
    static constexpr std::size_t device_lanes = 8;

    // The events in an order in which slices nest on each track: the end of an inner one before that of the outer.
    // They hold until the next call.
    std::span<const TimelineEvent> add(const Send& send, const Plan& plan);
    std::span<const TimelineEvent> add(const sr_socket& record, const Plan& plan);

    // The tracks that came up with the last add(), outer ones first.
    std::span<const TimelineTrack> new_tracks() const { return new_tracks_; }

  private:
    struct Group {  // a thread or a device
        explicit Group(std::size_t most) : lanes(most) {}
        Lanes lanes;
        std::uint32_t track = 0;
        std::uint32_t pid = 0;
        std::string name;
        std::vector<std::uint32_t> lane_tracks;
    };

    void begin();
    Group& thread_of(std::uint32_t pid, std::uint32_t tid, std::string_view comm);
    Group& device_of(const Send& send);
    std::uint32_t new_track(TimelineTrack track);
    std::uint32_t lane_track(Group& group, std::size_t lane, TimelineTrack::Kind kind);
    void put_nesting(Group& thread, const Nesting& nesting, std::uint64_t drop_ns);
    void put_behind(const Send& send, const Nesting& nesting, std::uint64_t drop_ns);
    void put_behind(Group& device, const Step& step);

    std::unordered_map<std::uint64_t, Group> threads_;  // by pid and tid
    std::unordered_map<std::uint32_t, std::uint32_t> processes_;
    std::map<std::pair<std::uint32_t, std::string>, Group> devices_;  // by namespace and name
    std::uint32_t tracks_ = 0;
    std::vector<TimelineEvent> events_;  // reused
    std::vector<TimelineTrack> new_tracks_;
};

}  // namespace sockray
