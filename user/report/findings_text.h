// What stands out in a session, for a terminal.
#pragma once

#include "user/analyze/findings/findings.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {

// Behind the end() of `findings`. Where nothing stands out, it says so; then what was looked at, and what could not be.
void append_findings_text(fmt::memory_buffer& out, const Findings& findings, const Style& style);

}  // namespace sockray
