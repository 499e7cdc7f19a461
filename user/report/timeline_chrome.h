// A session as Chrome's JSON trace events, for viewers that do not read Perfetto's own format.
//
// What is on which track: report/timeline_layout.h. `ts` is in microseconds since tracing was armed, with all
// nanoseconds as decimals; before that it is negative. Slices are pairs of B and E, whose times are the same decimals
// where they touch (X would have readers add doubles). `pid` and `tid` are the kernel's for threads; the tracks of
// devices and further lanes have numbers from 4194304 on, which no thread has. What became of a frame behind its send
// is joined to it by flow events (s, t, f) with the send's id; since flows bind to slices, moments there are slices of
// no length. Events are not in the order of time: readers sort them, and keep the order of those with the same `ts`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "user/base/format.h"
#include "user/correlate/sink.h"
#include "user/report/timeline_layout.h"
#include "user/report/timeline_notes.h"

namespace sockray {

// Appends to `out` as it goes, whole events with each call; `out` must outlive it, and may be emptied in between. The
// text is JSON behind end().
class ChromeTimeline : public Sink {
  public:
    explicit ChromeTimeline(fmt::memory_buffer& out) : out_(out) {}

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void socket(const sr_socket& record, std::uint64_t id) override;
    void send(const Send& send) override;
    void end(const Ending& ending) override;

  private:
    struct Place {
        std::uint32_t pid = 0;
        std::uint32_t tid = 0;
    };

    void put_tracks();
    void put_name(std::string_view what, Place place, std::string_view name);
    // Up to its `ts`; what else it has is to be appended, and a brace.
    void open_event(char phase, const TimelineEvent& event, std::string_view category, std::string_view name);
    void put_notes();
    // These take the notes in `notes_`, but for an end, which has those of its begin: some readers pair by them.
    void put_begin(const TimelineEvent& event, std::string_view category);
    void put_end(const TimelineEvent& event, std::string_view category);
    void put_moment(const TimelineEvent& event, std::string_view category);
    void put_flow(char phase, const TimelineEvent& event, std::uint64_t id);

    fmt::memory_buffer& out_;
    const Plan* plan_ = nullptr;
    const KernelNames* names_ = nullptr;
    std::uint64_t start_ns_ = 0;
    bool is_first_ = true;
    TimelineLayout layout_;
    std::unordered_map<std::uint32_t, Place> places_;  // by id of the track
    std::vector<Note> notes_;                          // reused
    std::vector<std::string> open_notes_;              // as JSON, of the slices that are open
};

}  // namespace sockray
