// The plan as a table: how every stage is seen on this kernel.
#pragma once

#include "user/base/format.h"
#include "user/base/plan.h"
#include "user/base/terminal.h"

namespace sockray {

void append_plan_text(fmt::memory_buffer& out, const Plan& plan, const Style& style);

}  // namespace sockray
