// What is said where sends are asked for and a recording has none, since its capture was not traced.
#pragma once

#include <cstdint>
#include <string_view>

#include "user/base/result.h"

namespace sockray {

// `file`: of the recording, as the user gave it. `frames`: that it has.
Error no_sends_traced(std::string_view file, std::uint64_t frames);

}  // namespace sockray
