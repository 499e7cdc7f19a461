// What stands out, as the first thing of the page.
#pragma once

#include <cstdint>
#include <set>
#include <span>

#include "user/analyze/finding.h"
#include "user/analyze/looked.h"
#include "user/base/format.h"

namespace sockray::html {

// In the order given, then what was looked at and what could not be. `shown`: the ids of the sends that have a
// waterfall on the page, at "#send-ID".
void append_findings(fmt::memory_buffer& out, std::span<const Finding> findings, const Looked& looked,
                     const std::set<std::uint64_t>& shown);

}  // namespace sockray::html
