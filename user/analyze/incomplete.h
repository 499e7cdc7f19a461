// What of a session's files is not there, in words.
#pragma once

#include <string>

#include "user/correlate/sink.h"

namespace sockray {

// "not all files of the session are here: the 2 before the first, the 1 between, those behind the last". Where any()
// holds.
std::string incomplete_words(const MissingFiles& missing);

}  // namespace sockray
