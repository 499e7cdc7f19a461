// What of this machine helps or hinders, as text; the verdict first.
#pragma once

#include <optional>
#include <span>

#include "user/base/format.h"
#include "user/base/result.h"
#include "user/base/terminal.h"
#include "user/probe/environment.h"

namespace sockray {

// `obstacle`: why the main job cannot run; none where it can.
void append_machine_text(fmt::memory_buffer& out, std::span<const Condition> conditions,
                         const std::optional<Error>& obstacle, const Style& style);

}  // namespace sockray
