// Tells what a capture reads, and the sends behind it, to whoever listens, up to a limit, and keeps its ledger.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "user/correlate/capture_ledger.h"
#include "user/correlate/outcome_set.h"
#include "user/correlate/sink.h"
#include "user/correlate/tap_join.h"

namespace sockray {

// As a sink it takes what a tracing session tells: sends through the interface of the capture, or of "any" in its
// network namespace. Each of their frames is then told once, as the frame of its send. Without a session all that
// leaves is told as it is.
class CaptureTeller : public Sink, private TapJoinListener {
  public:
    // `listeners` must outlive it. `most`: so many frames are told, the rest is only counted; 0: no limit.
    CaptureTeller(std::vector<Sink*> listeners, TapInterface interface, std::uint64_t most)
        : listeners_(std::move(listeners)), most_(most), join_(*this) {
        ledger_.interface = std::move(interface);
    }

    // Before begin(): sends will come.
    void expect_sends() { traced_ = true; }
    // The same, and only they are told, those that end so: all other frames are left out, and counted. `of_all` hears
    // of the sends that end otherwise too; it is one of the listeners.
    void select_sends(OutcomeSet outcomes, Sink& of_all);
    bool selects_sends() const { return of_all_ != nullptr; }

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void socket(const sr_socket& record, std::uint64_t id) override;
    void tapped(const sr_frame& record) override { join_.tapped(record); }
    void send(const Send& send) override;
    // From the capture. The interface need not be set.
    void frame(const TapFrame& frame) override;
    void idle() override;
    // Where sends are traced: TapJoin::came_before() and TapJoin::caught_up().
    void came_before(std::uint64_t written) { join_.came_before(written); }
    void caught_up(std::uint64_t read);
    // What the kernel counted (seen, dropped, cut, freezes); before end().
    void set_totals(const CaptureLedger& totals) { totals_ = totals; }
    void end(const Ending& ending) override;

    // Where sends are selected, they are what is counted: some end before they have a frame.
    bool limit_reached() const {
        return most_ && (selects_sends() ? sends_told_ : ledger_.told() + ledger_.untapped) >= most_;
    }
    // Final behind end().
    const CaptureLedger& ledger() const { return ledger_; }
    // Frames that were told, or left out, without a send, though one may have made them: its record did not come in
    // time.
    std::uint64_t given_up() const { return join_.given_up(); }
    // Sends whose frame is among those that were told without one: the kernel skipped the hook at the taps, or its
    // record was lost.
    std::uint64_t unjoined() const { return unjoined_; }

  private:
    void unclaimed(const TapFrame& frame) override;
    void ended(Send&& send, Tapped&& tapped) override;
    bool is_told_without(const Send& send, const Tapped& tapped) const;
    void fit_frame(Send& send, Tapped& tapped) const;

    std::vector<Sink*> listeners_;
    std::uint64_t most_;
    bool traced_ = false;
    Sink* of_all_ = nullptr;
    OutcomeSet outcomes_ = all_outcomes;
    TapJoin join_;
    std::int64_t realtime_offset_ns_ = 0;
    std::uint64_t sends_told_ = 0;
    std::uint64_t sends_left_out_ = 0;
    std::uint64_t unjoined_ = 0;
    CaptureLedger totals_;
    CaptureLedger ledger_;
};

}  // namespace sockray
