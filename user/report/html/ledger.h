// How every send ended, what tracing lost, and what the devices counted.
#pragma once

#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/base/format.h"
#include "user/correlate/sink.h"

namespace sockray::html {

// Of the frames of a capture. The ending must have one.
void append_capture(fmt::memory_buffer& out, const Ending& ending);

void append_ledger(fmt::memory_buffer& out, const Ending& ending, const Reasons& reasons, const Devices& devices);

}  // namespace sockray::html
