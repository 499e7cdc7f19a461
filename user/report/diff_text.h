// What two recordings differ in, as text.
#pragma once

#include "user/analyze/comparison.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {

// The verdict first. `a` and `b` are what `comparison` was made of.
void append_diff_text(fmt::memory_buffer& out, const Comparison& comparison, const Profile& a, const Profile& b,
                      const Style& style);

}  // namespace sockray
