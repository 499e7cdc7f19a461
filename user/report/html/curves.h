// Percentiles of the stages of a path, as curves.
#pragma once

#include "user/analyze/chain.h"
#include "user/base/format.h"

namespace sockray::html {

// Nothing where no stage was timed.
void append_curves(fmt::memory_buffer& out, const Path& path);

}  // namespace sockray::html
