// Parsers of foreign files run where a flaw in them reaches nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "user/base/result.h"

namespace sockray {

// Calls `work` in a child process that has given up every capability, and root's user id where it was root's; it cannot
// get them back, and can open no file that not everybody may. What it writes to the descriptor comes back, at most
// `most` bytes: check it like any foreign input. `what`: for errors, what is done there: "read FILE".
//
// Forks: call it before there are threads, and open what `work` needs before.
Result<std::vector<std::uint8_t>> confined(const std::string& what, std::size_t most,
                                           const std::function<void(int fd)>& work);

}  // namespace sockray
