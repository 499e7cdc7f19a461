// What each way to send costs, as JSON.
#pragma once

#include <span>

#include "user/analyze/method_costs.h"
#include "user/base/format.h"

namespace sockray {

// {"type":"method",...}, one line a method; the keys are in docs/json.md.
void append_method_costs_json(fmt::memory_buffer& out, std::span<const MethodCost> costs);

}  // namespace sockray
