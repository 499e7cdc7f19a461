// The words beside a frame in a recording, for whoever opens it in another program.
#pragma once

#include <cstdint>
#include <string>

#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/base/repeated_symbol.h"
#include "user/correlate/path.h"
#include "user/correlate/send.h"

namespace sockray {

// key=value, separated by blanks; values with blanks in quotes, where a quote or a backslash has a backslash before it.
// The keys are in docs/recording.md. For the sends of one session: what they have in common is made once.
class Comments {
  public:
    // Both must outlive it.
    Comments(const Plan& plan, const KernelNames& names) : steps_(plan), driver_(names) {}

    void append(fmt::memory_buffer& out, const Send& send);

  private:
    void append_steps(fmt::memory_buffer& out, const sr_send& record);

    RepeatedSteps steps_;
    std::string path_;  // " path=" and the names of the steps
    RepeatedSymbol driver_;
};

// One line for a send without a frame, and for the creation of a socket.
void append_message(fmt::memory_buffer& out, const Send& send);
void append_message(fmt::memory_buffer& out, const sr_socket& record);

}  // namespace sockray
