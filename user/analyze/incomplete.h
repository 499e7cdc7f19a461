// What of a session's files is not there, in words.
#pragma once

#include <string>

#include "user/correlate/sink.h"

namespace sockray {

// Which files are missing: before the first, between, behind the last. Where any() holds.
std::string incomplete_words(const MissingFiles& missing);

}  // namespace sockray
