// The ledger as text: how every send ended, what tracing lost, and what the devices themselves counted.
#pragma once

#include <span>

#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/correlate/sink.h"

namespace sockray {

void append_ledger_text(fmt::memory_buffer& out, const Ending& ending, const Reasons& reasons, const Devices& devices,
                        const Style& style);

// seen = decoded + lost, and why: what tracing lost, by itself.
void append_loss_text(fmt::memory_buffer& out, const Ledger& ledger, const Style& style);

// Which files of the session are not here: nothing where all are.
void append_missing_text(fmt::memory_buffer& out, const Ending& ending, const Style& style);

// Of the frames that were captured beside, or alone: the ending must have a capture.
void append_capture_text(fmt::memory_buffer& out, const Ending& ending, const Style& style);

}  // namespace sockray
