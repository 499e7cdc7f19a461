// A session as one page that can be opened anywhere: pictures first, then every number behind them.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "user/analyze/chain.h"
#include "user/analyze/devices.h"
#include "user/analyze/finding.h"
#include "user/analyze/histogram.h"
#include "user/analyze/kept_records.h"
#include "user/analyze/latency_grid.h"
#include "user/analyze/looked.h"
#include "user/analyze/reasons.h"
#include "user/analyze/senders.h"
#include "user/analyze/time_grid.h"
#include "user/base/format.h"
#include "user/correlate/sink.h"

namespace sockray {

// HTML with its style, its script and its pictures (SVG) in it: it asks for nothing else, and is whole without the
// script. Its memory is bounded, however many sends it sees.
class HtmlPage : public Sink {
  public:
    // The page is appended to `out` in end(), and nothing before.
    explicit HtmlPage(fmt::memory_buffer& out) : out_(out) {}

    // Asked once, in end(): the findings in the order to be shown, and what they looked at. Without them the page does
    // not speak of findings. A sink that makes them must have had its own end() before.
    void set_findings(std::function<std::vector<Finding>()> findings, std::function<Looked()> looked) {
        findings_ = std::move(findings);
        looked_ = std::move(looked);
    }

    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void socket(const sr_socket& record, std::uint64_t id) override { sockets_.add(record, id); }
    void send(const Send& send) override;
    void end(const Ending& ending) override;

  private:
    void append_head() const;
    void append_header(const Ending& ending, bool named_sends) const;
    void append_totals(const Ledger& ledger) const;
    void append_findings(const std::vector<Finding>& findings) const;
    void append_pictures() const;
    // Those that are shown one by one, and those that the findings name beside them.
    std::set<std::uint64_t> sends_shown() const;
    std::vector<const Send*> named_beside(const std::vector<Finding>& findings) const;
    void append_sends(const std::vector<Finding>& findings) const;
    void append_tables(const Ending& ending) const;
    void append_untraced(const Ending& ending) const;
    bool is_traced(const Ending& ending) const { return origin_->stages || !ending.capture; }

    fmt::memory_buffer& out_;
    std::function<std::vector<Finding>()> findings_;
    std::function<Looked()> looked_;
    const Origin* origin_ = nullptr;
    const Plan* plan_ = nullptr;
    const KernelNames* names_ = nullptr;

    Chain chain_;
    Reasons reasons_;
    Senders senders_;
    Devices devices_;
    Histogram durations_;
    LatencyGrid latency_;
    LatencyGrid frame_latency_;         // of frames that went on behind the return of their sends
    TimeGrid outcomes_{outcome_count};  // row: Outcome
    SlowestSends slowest_;
    SlowestSends slowest_frames_;  // of the same frames
    UndeliveredSends undelivered_;
    FirstSockets sockets_;
};

}  // namespace sockray
