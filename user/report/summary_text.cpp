#include "user/report/summary_text.h"

#include "user/report/chain_text.h"
#include "user/report/ledger_text.h"
#include "user/report/senders_text.h"

namespace sockray {

void Summary::begin(const Origin& origin, const Plan& plan, const KernelNames& names) {
    stages_ = origin.stages;
    names_ = &names;
    plan_ = plan;
}

void Summary::send(const Send& send) {
    chain_.add(send);
    reasons_.add(send);
    senders_.add(send);
    devices_.add(send, *names_);
}

void Summary::end(const Ending& ending) {
    ending_ = ending;
}

void Summary::append_text(fmt::memory_buffer& out, const Style& style) const {
    if (chain_.sends()) {
        out.push_back('\n');
        // Where sockray drove the traffic itself there is but one sender.
        if (!ending_.ledger.driven) {
            append_senders_text(out, senders_, style);
            out.push_back('\n');
        }
        append_chain_text(out, chain_, plan_, ending_.ledger.cost, style, without_hooks_);
    }
    out.push_back('\n');
    append_ledger(out, style);
}

void Summary::append_ledger(fmt::memory_buffer& out, const Style& style) const {
    if (ending_.capture) append_capture_text(out, ending_, style);
    if (!is_traced()) {
        append_missing_text(out, ending_, style);
        return;
    }
    if (ending_.capture) out.push_back('\n');
    append_ledger_text(out, ending_, reasons_, devices_, style);
}

}  // namespace sockray
