// One send as a tree: the stages it passed, nested, with their times and how each is known.
#pragma once

#include <string_view>

#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/base/terminal.h"
#include "user/correlate/send.h"

namespace sockray {

// `time`: the time of day to show, already formatted. A stage's start is given as the time since the send's
// begin.
void append_tree(fmt::memory_buffer& out, const Send& send, const Plan& plan, const KernelNames& names,
                 const Style& style, std::string_view time);

}  // namespace sockray
