// What stands out in a session, as JSON Lines.
#pragma once

#include <span>

#include "user/analyze/finding.h"
#include "user/analyze/looked.h"
#include "user/base/format.h"

namespace sockray {

// {"type":"finding","rule":...}, one line each, in the order given; the keys are in docs/json.md.
void append_findings_json(fmt::memory_buffer& out, std::span<const Finding> findings);
// {"type":"looked_at",...}, one line: what was looked at, and what could not be.
void append_looked_at_json(fmt::memory_buffer& out, const Looked& looked);

}  // namespace sockray
