// What each way to send costs, as JSON.
#pragma once

#include <fmt/format.h>

#include <span>

#include "user/analyze/method_costs.h"

namespace sockray {

// {"type":"method",...}, one line a method; the keys are in docs/json.md.
void append_method_costs_json(fmt::memory_buffer& out, std::span<const MethodCost> costs);

}  // namespace sockray
