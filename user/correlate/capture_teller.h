// Tells what a capture reads to whoever listens, up to a limit, and keeps its ledger.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "user/correlate/capture_ledger.h"
#include "user/correlate/sink.h"

namespace sockray {

class CaptureTeller {
  public:
    // `listeners` must outlive it. `most`: so many frames are told, the rest is only counted; 0: no limit.
    CaptureTeller(std::vector<Sink*> listeners, TapInterface interface, std::uint64_t most)
        : listeners_(std::move(listeners)), most_(most) {
        ledger_.interface = std::move(interface);
    }
    CaptureTeller(const CaptureTeller&) = delete;
    CaptureTeller& operator=(const CaptureTeller&) = delete;

    // Origin, plan and names stay as they are until end() has returned.
    void begin(const Origin& origin, const Plan& plan, const KernelNames& names);
    // `frame`: its interface need not be set.
    void frame(TapFrame frame);
    void idle();
    // `totals`: what the kernel counted (seen, dropped, cut, freezes); the rest is known here.
    void end(Ending ending, const CaptureLedger& totals);

    bool limit_reached() const { return most_ && ledger_.told() >= most_; }
    const TapInterface& interface() const { return ledger_.interface; }
    // Final behind end().
    const CaptureLedger& ledger() const { return ledger_; }

  private:
    std::vector<Sink*> listeners_;
    std::uint64_t most_;
    CaptureLedger ledger_;
};

}  // namespace sockray
