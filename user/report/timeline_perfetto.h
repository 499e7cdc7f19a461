// A session as a Perfetto trace (.pftrace), for ui.perfetto.dev and its trace_processor.
//
// What is on which track: report/timeline_layout.h. A flow, whose id is that of the send, leads from a send to what
// became of its frame. Times are those of CLOCK_MONOTONIC, which the trace names as its clock; a snapshot relates it to
// CLOCK_REALTIME. Packets are not in the order of time: readers sort them.
#pragma once

#include <string>
#include <vector>

#include "user/base/format.h"
#include "user/correlate/sink.h"
#include "user/report/timeline_layout.h"
#include "user/report/timeline_notes.h"

namespace sockray {

// Appends to `out` as it goes, whole packets with each call; `out` must outlive it, and may be emptied in between.
class PerfettoTimeline : public Sink {
  public:
    explicit PerfettoTimeline(fmt::memory_buffer& out) : out_(out) {}

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void socket(const sr_socket& record, std::uint64_t id) override;
    void send(const Send& send) override;

  private:
    void put_packet();
    void put_clocks(const Origin& origin);
    void put_names();
    void put_tracks();
    // With the notes in `notes_`. `flow`: 0, none.
    void put_event(const TimelineEvent& event, std::uint64_t category, std::uint64_t flow);

    fmt::memory_buffer& out_;
    const Plan* plan_ = nullptr;
    const KernelNames* names_ = nullptr;
    TimelineLayout layout_;
    std::vector<Note> notes_;  // reused
    std::string packet_;       // reused
};

}  // namespace sockray
