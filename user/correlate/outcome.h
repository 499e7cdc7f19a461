// How a send ended, from what the kernel side recorded.
#pragma once

#include <string>

#include "bpf/records.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"

namespace sockray {

struct Verdict {
    Outcome outcome = Outcome::unknown;
    Stage stage = Stage::none;  // where it ended; none for delivered sends
    std::string reason;         // empty for delivered sends
};

// Pure. The send's record holds all that is known of its frame. `plan` tells whether a stage was not seen because the
// send did not pass it or because it has no hook.
Verdict judge(const Send& send, const Plan& plan, const KernelNames& names);

}  // namespace sockray
