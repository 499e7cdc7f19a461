// The creation of one packet socket: what __sock_create was asked, what the kernel looked up, and what it set
// up.
#pragma once

#include <cstdint>
#include <string_view>

#include "bpf/records.h"
#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"
#include "user/base/terminal.h"

namespace sockray {

// `time`: the time of day to show, already formatted.
void append_socket_block(fmt::memory_buffer& out, const sr_socket& record, std::uint64_t id, const Plan& plan,
                         const KernelNames& names, const Style& style, std::string_view time);

}  // namespace sockray
