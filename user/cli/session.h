// A tracing session: wires the tracer, what judges its records, and whoever listens.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "user/base/origin.h"
#include "user/cli/device_delta.h"
#include "user/cli/output.h"
#include "user/cli/receiver_watch.h"
#include "user/correlate/correlator.h"
#include "user/correlate/outcome_set.h"
#include "user/correlate/sink.h"
#include "user/drive/interface.h"
#include "user/live/progress.h"
#include "user/live/views.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"
#include "user/report/summary_text.h"

namespace sockray {

// Of a session that begins now. `stages`: those that were asked for.
Origin origin_of(StageSet stages);

// Why a session ends.
enum class Stop {
    asked,         // by a signal or a key
    enough,        // -c, -n
    watched_gone,  // COMMAND or the process of -p ended
    output_gone    // nobody reads any more
};

// How long to wait for records. Long only while nothing comes: the kernel side wakes us when a good part of the ring is
// full.
constexpr int wait_ms(bool idle) {
    return idle ? 50 : 10;
}

class Session : private Sink {
  public:
    // All must outlive it. What `view` shows goes to `output`. `match`: sends are this process' own and are joined with
    // the driver's events.
    Session(const LiveKernel& kernel, Tracer& tracer, Output& output, View view, bool match);

    // Shows at most so many sends; the rest is only counted.
    void limit_sends(std::uint64_t most) { most_sends_ = most; }
    bool limit_reached() const { return most_sends_ && shown_ >= most_sends_; }

    // Only sends that ended so are shown and told to sinks; the rest is only counted, in the summary too.
    void select_outcomes(OutcomeSet outcomes) { outcomes_ = outcomes; }

    // Listens too, to all that is selected, shown or not; before prepare().
    void add_sink(Sink& sink) { sinks_.push_back(&sink); }

    // Holds the ledger against the counters of this device, or without one of all that a send was seen at; before
    // start().
    void watch_devices(std::optional<Interface> interface);

    // What takes its time before start(). `stages`: those that were asked for.
    void prepare(StageSet stages);

    // Reads the counters of devices and receivers, and arms the tracer.
    void start();

    // What the driver did since the last call; before read().
    void add_events(std::span<const DriveEvent> events) { correlator_.add_events(events); }

    // What waits in the ring, Tracer::most_read at most. Returns the number of records.
    std::size_t read();

    // No new sends from here on. Once more does nothing.
    void stop();

    // Waits for frames that are under way behind the return of their sends: until all have ended, a second at most, or
    // until `stop_fd` is readable. Behind stop().
    void linger(int stop_fd);

    // Sends that were delivered or lost and whose frames are under way still.
    std::size_t waiting() const { return correlator_.waiting(); }

    // Nothing is recorded from here on: reads the devices' counters again.
    void halt();

    // Halts, reads the receivers' counters again, and what is left in the ring; detaching begins.
    void close();

    // Closes, and tells everybody the end; the summary is shown.
    void finish();

    ProgressCounts progress() const;
    // As counted up to now: `missed` still holds the sends that are under way.
    Ledger so_far() const { return count(); }
    // Final behind finish().
    const Summary& summary() const { return summary_; }
    // The summary shows the medians also without the hooks' share.
    void show_without_hooks() { summary_.show_without_hooks(); }
    const Ledger& ledger() const { return summary_.ledger(); }

  private:
    void socket(const sr_socket& record, std::uint64_t id) override;
    void tapped(const sr_frame& record) override;
    void send(const Send& send) override;
    Tracer::Sink into_correlator();
    Ledger count() const;

    const LiveKernel& kernel_;
    Tracer& tracer_;
    Output& output_;
    View view_;
    Style style_;
    Summary summary_;
    std::unique_ptr<Sink> shown_in_;
    std::vector<Sink*> sinks_;
    Origin origin_;
    std::uint64_t end_ns_ = 0;  // 0: not stopped yet
    Correlator correlator_;
    std::optional<std::optional<Interface>> watched_;  // whose counters are held against the ledger
    std::optional<DeviceWatch> devices_;               // from start() on
    std::optional<std::vector<DeviceDelta>> grown_;    // from halt() on
    bool closed_ = false;
    std::optional<ReceiverWatch> receivers_;  // where it is traced who gets the frames
    std::uint64_t shown_ = 0;
    std::uint64_t left_out_ = 0;
    std::uint64_t most_sends_ = 0;
    OutcomeSet outcomes_ = all_outcomes;
};

// On a terminal: says it where the hooks take long to be gone, which is waited for at the end (Attachments::clear).
void say_what_is_waited_for(const Tracer& tracer);

// Where its sums do not balance: says so on standard error. Returns whether it was so.
bool say_imbalance(const Ledger& ledger);

// Where results could not be written: says so on standard error, and shows the ledger there. Returns whether it was so.
bool say_output_lost(const Session& session, const Output& output);

}  // namespace sockray
