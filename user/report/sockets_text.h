// The packet sockets of the system, as text.
#pragma once

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/probe/packet_sockets.h"

namespace sockray {

// By network namespace: a row for each socket, and beneath it what was set on it.
void append_sockets_text(fmt::memory_buffer& out, const SystemSockets& found, const Style& style);

}  // namespace sockray
