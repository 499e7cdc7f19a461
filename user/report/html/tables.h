// The tables of the page: who sent, the sockets, the plan.
#pragma once

#include "user/analyze/kept_records.h"
#include "user/analyze/senders.h"
#include "user/base/format.h"
#include "user/base/kernel_names.h"
#include "user/base/plan.h"

namespace sockray::html {

void append_senders(fmt::memory_buffer& out, const Senders& senders);
void append_sockets(fmt::memory_buffer& out, const FirstSockets& sockets, const KernelNames& names);
void append_plan(fmt::memory_buffer& out, const Plan& plan);

}  // namespace sockray::html
