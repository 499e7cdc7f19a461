// What one stage of one send returned or found, in a few words.
#pragma once

#include <climits>
#include <string>

#include "bpf/records.h"
#include "user/base/kernel_names.h"
#include "user/correlate/path.h"

namespace sockray {

// Printable. In at most `room` columns where that is possible; empty where there is nothing to say.
std::string step_note(const sr_send& record, const Step& step, const KernelNames& names, int room = INT_MAX);

}  // namespace sockray
