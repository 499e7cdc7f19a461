// What the hooks say of the check sends (private_sends.h) proves that a located instruction is the right one, or not.
#pragma once

#include <string>
#include <vector>

#include "bpf/records.h"
#include "user/probe/plan.h"
#include "user/probe/symbols.h"

namespace sockray {

// What was recorded of the check sends.
struct CheckRecords {
    std::vector<sr_send> sends;
    std::vector<sr_stack> stacks;
};

// Pure. Confirms the located stages in the plan's words, or returns those that must be withdrawn; and says from the
// recorded stack how packet_sendmsg was reached.
struct CheckVerdict {
    struct Withdrawal {
        Stage stage;
        std::string reason;
    };
    std::vector<Withdrawal> withdrawn;
};
CheckVerdict review_check(Plan& plan, const CheckRecords& records, const KernelSymbols& symbols);

}  // namespace sockray
