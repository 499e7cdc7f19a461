// The ledger while tracing goes on, in one line, and what tracing lost, in another.
#pragma once

#include <string>

#include "user/base/terminal.h"
#include "user/correlate/ledger.h"

namespace sockray {

// Sends that have begun and are not judged yet: inside the kernel, or their frame is under way, or their record waits
// in the ring. Before the end only: behind it these are `missed`.
std::uint64_t open_sends(const Ledger& ledger);

// Each at most the style's width, without the newline. Terms that are 0 are left out where the room is small.
std::string top_ledger_line(const Ledger& ledger, const Style& style);
std::string top_loss_line(const Ledger& ledger, const Style& style);

}  // namespace sockray
