// Folded stacks: where the time of sends went, one line a stack, for any flame-graph tool.
//
//   arping;__sys_sendto;packet_sendmsg;packet_snd;sock_alloc_send_pskb 1300
//
// The task, the stages from the outermost on, and the time in ns that the last of them took itself (what that is and
// what it is not: analyze/stacks.h). A ';' in a task's name is written \x3b and a blank \x20, as is (by its code) what
// is no visible character, and the backslash (\x5c).
#pragma once

#include <string>

#include "user/analyze/stacks.h"
#include "user/base/format.h"
#include "user/correlate/sink.h"

namespace sockray {

// The name of a node that is not the root, printable.
std::string stack_name(const StackNode& node);

void append_folded(fmt::memory_buffer& out, const Stacks& stacks);

// Writes with end(); `out` must outlive it.
class Folded : public Sink {
  public:
    explicit Folded(fmt::memory_buffer& out) : out_(out) {}

    void begin(const Origin&, const Plan& plan, const KernelNames&) override { plan_ = &plan; }
    void send(const Send& send) override { stacks_.add(send, *plan_); }
    void end(const Ending&) override { append_folded(out_, stacks_); }

    // How many sends are in no line.
    const Stacks& stacks() const { return stacks_; }

  private:
    fmt::memory_buffer& out_;
    const Plan* plan_ = nullptr;
    Stacks stacks_;
};

}  // namespace sockray
