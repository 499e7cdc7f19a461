// The packet sockets of the system, as JSON.
#pragma once

#include "user/base/format.h"
#include "user/probe/packet_sockets.h"

namespace sockray {

// {"type":"packet_socket","ino":...}, one line a socket; the keys are in docs/json.md.
void append_sockets_json(fmt::memory_buffer& out, const SystemSockets& found);

}  // namespace sockray
