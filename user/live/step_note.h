// What one stage of one send returned or found, in a few words.
#pragma once

#include <climits>
#include <string>

#include "user/base/kernel_names.h"
#include "user/correlate/path.h"
#include "user/correlate/send.h"

namespace sockray {

// Printable. In at most `room` columns where that is possible; empty where there is nothing to say.
std::string step_note(const Send& send, const Step& step, const KernelNames& names, int room = INT_MAX);

}  // namespace sockray
