// sockray's own check: one send and one empty TX ring on a private loopback interface, made before tracing is armed.
// What the hooks say of them proves that a located instruction is the right one, or that it is not.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "bpf/records.h"
#include "user/base/result.h"
#include "user/probe/kallsyms.h"
#include "user/probe/plan.h"

namespace sockray {

// Sends from a thread of its own, in a network namespace of its own; calls `announce` with the thread's id before the
// first send and with 0 after the last. Where a namespace is not allowed (CAP_SYS_ADMIN) it sends through an unbound
// socket, which packet_snd refuses: enough to hit it. Errors: the socket could not be opened.
Status make_check_sends(const std::function<void(std::uint32_t tid)>& announce);

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
CheckVerdict review_check(Plan& plan, const CheckRecords& records, const Kallsyms& symbols);

}  // namespace sockray
