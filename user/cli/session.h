// A tracing session: records come in from the tracer, get their outcome, and go to the screen and into the sums.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "user/analyze/chain.h"
#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/analyze/senders.h"
#include "user/base/terminal.h"
#include "user/cli/output.h"
#include "user/correlate/flights.h"
#include "user/correlate/ledger.h"
#include "user/correlate/matcher.h"
#include "user/live/json_lines.h"
#include "user/live/lines.h"
#include "user/live/progress.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"
#include "user/report/ledger_text.h"

namespace sockray {

enum class View {
    json,   // one object a line
    lines,  // one line a send
    tree,   // one tree a send
    totals  // nothing while it runs but the first socket
};

class Session {
  public:
    // All must outlive it. `match`: sends are this process' own and are joined with the driver's events.
    Session(const LiveKernel& kernel, Tracer& tracer, Output& output, View view, bool match);

    // Shows at most so many sends; the rest is only counted.
    void limit_sends(std::uint64_t most) { most_sends_ = most; }
    bool limit_reached() const { return most_sends_ && shown_ >= most_sends_; }

    // The plan, in JSON only: first of all.
    void show_plan();

    // What the driver did since the last call; before read().
    void add_events(std::span<const DriveEvent> events) { matcher_.add_events(events); }

    // Everything that waits in the ring. Returns the number of records.
    std::size_t read();

    // Waits for frames that are under way behind the return of their sends: until all have ended, a second at most, or
    // until `stop_fd` is readable. Behind Tracer::disarm().
    void linger(int stop_fd);

    // Detaches, and reads what is left. `ledger()` is final then.
    void close();

    Ledger ledger() const;
    // The last lines: senders, chain, ledger; or the summary object.
    void show_summary(std::span<const DeviceDelta> devices);
    // Only the ledger, for standard error when standard output has gone.
    void show_ledger(fmt::memory_buffer& out, const Style& style, std::span<const DeviceDelta> devices) const;

    ProgressCounts progress() const;
    const Reasons& reasons() const { return reasons_; }

  private:
    void take(std::span<const std::byte> bytes);
    void take(const sr_socket& record);
    void take(const sr_send& record);
    void take(const sr_frame& record);
    void settle(Send&& send);
    void finish(Send& send);
    void finish_matched(bool all);
    void finish_done();

    const LiveKernel& kernel_;
    Tracer& tracer_;
    Output& output_;
    View view_;
    bool match_;
    Style style_;
    JsonLines json_;
    Lines lines_;
    Matcher matcher_;
    Flights flights_;
    std::vector<Send> matched_;  // reused
    std::vector<Send> done_;     // reused
    Chain chain_;
    Reasons reasons_;
    Senders senders_;
    Devices devices_;
    Ledger ledger_;
    std::uint64_t rejected_ = 0;
    std::uint64_t frames_decoded_ = 0;
    std::uint64_t next_send_ = 0;
    std::uint64_t next_socket_ = 0;
    std::uint64_t shown_ = 0;
    std::uint64_t most_sends_ = 0;
};

// Where results could not be written: says so on standard error, and shows the ledger there. Returns whether it was so.
bool say_output_lost(const Session& session, const Output& output, std::span<const DeviceDelta> devices);

}  // namespace sockray
