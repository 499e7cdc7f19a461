// Whether a function can be hooked in a way that was not taken: tried with programs that do nothing, attached for a
// moment and taken away again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "user/probe/backend.h"
#include "user/probe/live_kernel.h"

namespace sockray {

// "" where it works, or the kernel's refusal in words. `function` is a symbol; `offset` is bytes from its start.
std::string try_hook(const LiveKernel& kernel, Backend backend, const std::string& function, std::uint64_t offset);

// What an errno means that came from attaching a hook of this kind.
std::string attach_refusal(Backend backend, int err);

}  // namespace sockray
