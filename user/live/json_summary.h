// The ledger as one JSON object: what a session ends with.
#pragma once

#include "user/analyze/devices.h"
#include "user/base/format.h"
#include "user/base/json.h"
#include "user/correlate/sink.h"

namespace sockray {

// The object of type "summary" and a newline; keys as in docs/json.md, never renamed. `devices`: what the sends were
// given to, for the devices' own counters beside it.
void append_json_summary(fmt::memory_buffer& out, const Ending& ending, const Devices& devices);

// The keys "cut_off" and "missing_files" of what a session ends with.
void append_whole(JsonObject& object, const Ending& ending);
// The key "cut_short".
void append_cut_short(JsonObject& object, const Ending& ending);

}  // namespace sockray
