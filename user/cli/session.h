// A tracing session: records come in from the tracer, get their outcome, and go to whoever listens.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "user/base/origin.h"
#include "user/cli/output.h"
#include "user/correlate/flights.h"
#include "user/correlate/frame_pieces.h"
#include "user/correlate/ledger.h"
#include "user/correlate/matcher.h"
#include "user/correlate/outcome_set.h"
#include "user/correlate/sink.h"
#include "user/live/progress.h"
#include "user/live/views.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"
#include "user/report/summary_text.h"

namespace sockray {

class Session {
  public:
    // All must outlive it. What `view` shows goes to `output`. `match`: sends are this process' own and are joined with
    // the driver's events.
    Session(const LiveKernel& kernel, Tracer& tracer, Output& output, View view, bool match);

    // Shows at most so many sends; the rest is only counted.
    void limit_sends(std::uint64_t most) { most_sends_ = most; }
    bool limit_reached() const { return most_sends_ && shown_ >= most_sends_; }

    // Only sends that ended so are shown and told to sinks; the rest is only counted, in the summary too.
    void select_outcomes(OutcomeSet outcomes) { outcomes_ = outcomes; }

    // Listens too, to all that is selected, shown or not; before begin().
    void add_sink(Sink& sink) { sinks_.push_back(&sink); }

    // Arms the tracer. `stages`: those that were asked for.
    void begin(StageSet stages);

    // What the driver did since the last call; before read().
    void add_events(std::span<const DriveEvent> events) { matcher_.add_events(events); }

    // Everything that waits in the ring. Returns the number of records.
    std::size_t read();

    // No new sends from here on: counters of others that are to be held against the ledger are read right behind this.
    void stop();

    // Waits for frames that are under way behind the return of their sends: until all have ended, a second at most, or
    // until `stop_fd` is readable. Behind stop().
    void linger(int stop_fd);

    // Detaches, reads what is left, and tells everybody the end; the summary is shown.
    void end(std::vector<DeviceDelta> devices);

    ProgressCounts progress() const;
    // Final behind end().
    const Summary& summary() const { return summary_; }
    const Ledger& ledger() const { return summary_.ledger(); }

  private:
    void take(std::span<const std::byte> bytes);
    void take(const sr_socket& record);
    void take(const sr_send& record);
    void take(const sr_frame& record);
    void settle(Send&& send);
    void finish(Send& send);
    void count_unjudged(const sr_send& record);
    void finish_matched(bool all);
    void finish_done();
    Ledger count() const;

    const LiveKernel& kernel_;
    Tracer& tracer_;
    Output& output_;
    View view_;
    bool match_;
    Style style_;
    std::unique_ptr<Sink> shown_in_;
    Summary summary_;
    std::vector<Sink*> sinks_;
    Origin origin_;
    std::uint64_t end_ns_ = 0;
    Matcher matcher_;
    bool filters_frames_;
    Flights flights_;
    FramePieces pieces_;
    std::vector<Send> matched_;  // reused
    std::vector<Send> done_;     // reused
    Ledger ledger_;
    std::uint64_t rejected_ = 0;
    std::uint64_t frames_decoded_ = 0;
    std::uint64_t next_send_ = 0;
    std::uint64_t next_socket_ = 0;
    std::uint64_t shown_ = 0;
    std::uint64_t most_sends_ = 0;
    OutcomeSet outcomes_ = all_outcomes;
};

// Where results could not be written: says so on standard error, and shows the ledger there. Returns whether it was so.
bool say_output_lost(const Session& session, const Output& output);

}  // namespace sockray
