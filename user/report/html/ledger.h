// How every send ended, what tracing lost, and what the devices counted.
#pragma once

#include "user/analyze/devices.h"
#include "user/analyze/reasons.h"
#include "user/base/format.h"
#include "user/correlate/sink.h"

namespace sockray::html {

void append_ledger(fmt::memory_buffer& out, const Ending& ending, const Reasons& reasons, const Devices& devices);

}  // namespace sockray::html
