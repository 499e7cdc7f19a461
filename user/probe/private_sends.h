// Sends of our own, made while tracing is not armed yet, by a thread of their own on the loopback interface of a
// network namespace of their own: to check the hooks, and to see what they cost. Its name: user/base/check_sender.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "user/base/result.h"
#include "user/base/tracing_cost.h"

namespace sockray {

// One send and one empty TX ring. `announce` is called with the thread's id before the first send and with 0 after the
// last. Where a namespace is not allowed (CAP_SYS_ADMIN) it sends through an unbound socket, which packet_snd refuses:
// enough to hit it. Errors: the socket could not be opened, or the thread not started.
Status make_check_sends(const std::function<void(std::uint32_t tid)>& announce);

// What a send takes, in nanoseconds by CLOCK_MONOTONIC: of up to some thousands, sorted. It goes on for a few
// hundredths of a second. `announce` as above; `between` is called now and then. Empty where a namespace, or a
// thread, is not allowed.
std::vector<double> time_private_sends(const std::function<void(std::uint32_t tid)>& announce,
                                       const std::function<void()>& between);

// What tracing adds, of times as above without it and with it; none where there are too few of either.
std::optional<TracingCost> tracing_cost(const std::vector<double>& without, const std::vector<double>& with);

}  // namespace sockray
