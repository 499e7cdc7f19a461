// From records to sends with outcomes: joins what the kernel side wrote with what the driver did, judges each send when
// its end is known, and counts. Where the records come from it does not know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/records.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/correlate/flights.h"
#include "user/correlate/frame_pieces.h"
#include "user/correlate/ledger.h"
#include "user/correlate/matcher.h"
#include "user/correlate/sink.h"

namespace sockray {

struct CorrelatorOptions {
    std::size_t most_in_flight = 65536;  // frames that the kernel side follows at once
    bool match = false;                  // sends are this process' own, and are joined with the driver's events
    bool filters_frames = false;         // the kernel side leaves out sends whose frame a filter does not want
};

class Correlator {
  public:
    // `to` is told of sockets, sends and what the taps got of them, of nothing else. All must outlive it.
    Correlator(const Plan& plan, const KernelNames& names, const CorrelatorOptions& options, Sink& to);

    // What the driver did since the last call; before the records of the same time.
    void add_events(std::span<const DriveEvent> events) { matcher_.add_events(events); }

    // One record, as it stood in the ring. What makes no sense is counted by the kind that it says it is.
    void take(std::span<const std::byte> bytes);

    // Behind a number of records: sends whose driver's event is known by now go on.
    void settle(std::uint64_t now_ns);

    // Frames whose end is not known yet, though their send has returned.
    std::size_t waiting() const { return flights_.waiting(); }

    // No more records: what still waits ends as `queued` where its id is among `in_flight`, else as `unknown`.
    void finish(std::span<const std::uint64_t> in_flight);

    // What was decoded so far; the kernel side's own counts are missing.
    const Ledger& decoded() const { return ledger_; }

    // With these counts; final behind finish(). Skipped hits are none of its business.
    Ledger ledger(std::span<const sr_counters> cpus) const;

  private:
    void take(const sr_socket& record);
    void take_send(std::span<const std::byte> bytes);
    void take(const sr_frame& record);
    void reject(std::span<const std::byte> bytes);
    void follow(Send& send);
    void judge(Send& send);
    void judge_done();
    void take_matched(bool all);
    void count_unjudged(const sr_send& record);

    const Plan& plan_;
    const KernelNames& names_;
    bool match_;
    bool filters_frames_;
    bool has_driver_;  // its stage is traced
    Sink& to_;
    Matcher matcher_;
    Flights flights_;
    FramePieces pieces_;
    std::vector<Send> matched_;  // reused
    std::vector<Send> done_;     // reused
    Ledger ledger_;
    std::uint64_t next_send_ = 0;
    std::uint64_t next_socket_ = 0;
};

}  // namespace sockray
