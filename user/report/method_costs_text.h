// What each way to send costs, as text.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "user/analyze/method_costs.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/correlate/ledger.h"

namespace sockray {

// How it was measured.
struct MethodsSetup {
    std::string ifname;
    std::uint64_t frames = 0;  // a round
    unsigned rounds = 0;
    unsigned batch = 0;              // frames that one call may take
    const Ledger* traced = nullptr;  // of the traced rounds; null: there were none
};

void append_method_costs_text(fmt::memory_buffer& out, std::span<const MethodCost> costs, const MethodsSetup& setup,
                              const Style& style);

}  // namespace sockray
