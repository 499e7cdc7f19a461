// The words beside a frame in a recording, for whoever opens it in another program.
#pragma once

#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"

namespace sockray {

// key=value, separated by blanks; values with blanks in quotes, where a quote or a backslash has a backslash before it.
// The keys are in docs/recording.md.
void append_comment(fmt::memory_buffer& out, const Send& send, const Plan& plan, const KernelNames& names);

// One line for a send without a frame, and for the creation of a socket.
void append_message(fmt::memory_buffer& out, const Send& send);
void append_message(fmt::memory_buffer& out, const sr_socket& record);

}  // namespace sockray
