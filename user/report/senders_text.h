// Who sent what, as a table.
#pragma once

#include "user/analyze/senders.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {

// Those with the most sends first.
void append_senders_text(fmt::memory_buffer& out, const Senders& senders, const Style& style);

}  // namespace sockray
