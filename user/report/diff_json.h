// What two recordings differ in, as JSON.
#pragma once

#include "user/analyze/comparison.h"
#include "user/base/format.h"

namespace sockray {

// {"type":"diff","subject":...}, one line for each recording, stage whose evidence differs, outcome, reason, path and
// stage of a path, and the verdict at the end; the keys are in docs/json.md.
void append_diff_json(fmt::memory_buffer& out, const Comparison& comparison, const Profile& a, const Profile& b);

}  // namespace sockray
