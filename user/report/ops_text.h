// The kernel's tables of AF_PACKET, as text or JSON.
#pragma once

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/probe/ops.h"

namespace sockray {

void append_ops_text(fmt::memory_buffer& out, const PacketTables& tables, const Style& style);

// {"type":"ops","table":"packet_ops","struct":"proto_ops","address":"0x...","family":17,"handlers":{"release":
// "packet_release",...}}, one line a table; a null pointer is null.
void append_ops_json(fmt::memory_buffer& out, const PacketTables& tables);

}  // namespace sockray
