// The last lines of a session: who sent what, the chains, and the ledger.
#pragma once

#include "user/analyze/chain.h"
#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/analyze/senders.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/correlate/sink.h"

namespace sockray {

// Its memory is bounded, however many sends it sees.
class Summary : public Sink {
  public:
    void begin(const Origin& origin, const Plan& plan, const KernelNames& names) override;
    void send(const Send& send) override;
    void end(const Ending& ending) override;

    // Behind end().
    void append_text(fmt::memory_buffer& out, const Style& style) const;
    // append_text() then has the medians without the hooks' share too.
    void show_without_hooks() { without_hooks_ = true; }
    // Only the ledger, for standard error when standard output has gone.
    void append_ledger(fmt::memory_buffer& out, const Style& style) const;

    const Devices& devices() const { return devices_; }
    // False for a capture without tracing, of which there are no sends to speak of.
    bool is_traced() const { return stages_ || !ending_.capture; }

    const Reasons& reasons() const { return reasons_; }
    const Ledger& ledger() const { return ending_.ledger; }

  private:
    const KernelNames* names_ = nullptr;
    StageSet stages_ = 0;
    Plan plan_;
    Chain chain_;
    Reasons reasons_;
    Senders senders_;
    Devices devices_;
    Ending ending_;
    bool without_hooks_ = false;
};

}  // namespace sockray
