// Sends of our own, made while tracing is not armed yet, by a thread of their own on the loopback interface of a
// network namespace of their own: to check the hooks, and to see what they cost. Its name: user/base/check_sender.h.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <optional>
#include <vector>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/base/tracing_cost.h"

namespace sockray {

// They keep their namespace.
struct PrivateSockets {
    int ifindex = 0;  // of its loopback interface; 0 where a namespace is not allowed (CAP_SYS_ADMIN)
    Fd plain;
    Fd ring;  // has a TX ring
};

// The kernel waits for grace periods of RCU where a packet socket gets its ring and where it goes (net/packet/
// af_packet.c: packet_set_ring, packet_release). So both are done while others work. Errors: a socket could not be
// opened, or the thread not started.
std::future<Result<PrivateSockets>> open_private_sockets();
std::future<void> close_private_sockets(PrivateSockets sockets);

// One send and one empty TX ring. `announce` is called with the thread's id before the first send and with 0 after the
// last. Without a namespace it sends through an unbound socket, which packet_snd refuses: enough to hit it. Errors: the
// thread could not be started.
Status make_check_sends(const PrivateSockets& sockets, const std::function<void(std::uint32_t tid)>& announce);

// What a send takes, in nanoseconds by CLOCK_MONOTONIC: of up to some thousands, sorted. It goes on for a few
// hundredths of a second. `announce` as above; `between` is called now and then. Empty where a namespace, or a
// thread, is not allowed.
std::vector<double> time_private_sends(const PrivateSockets& sockets,
                                       const std::function<void(std::uint32_t tid)>& announce,
                                       const std::function<void()>& between);

// What tracing adds, of times as above without it and with it; none where there are too few of either.
std::optional<TracingCost> tracing_cost(const std::vector<double>& without, const std::vector<double>& with);

}  // namespace sockray
