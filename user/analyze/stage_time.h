// How long one send spent in one stage.
#pragma once

#include <cstdint>
#include <optional>

#include "bpf/records.h"
#include "user/correlate/path.h"

namespace sockray {

// ns: how long the stage in this slot took; of a moment, the time since the entry of packet_sendmsg. None where that
// was not seen, and where it is the time of a call that makes several sends. `stages`: passed_stages(record).
std::optional<std::uint64_t> stage_time_ns(const sr_send& record, const StageBySlot& stages, int slot);

}  // namespace sockray
