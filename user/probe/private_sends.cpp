#include "user/probe/private_sends.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <type_traits>
#include <utility>

#include "user/base/check_sender.h"
#include "user/base/clock.h"
#include "user/base/fd.h"
#include "user/base/format.h"

namespace sockray {
namespace {

// lo of a fresh namespace is down: brings it up. Returns its index, 0 where that is not allowed.
int private_loopback() {
    if (::unshare(CLONE_NEWNET) != 0) return 0;
    const Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (!control || ::ioctl(control.get(), SIOCGIFFLAGS, &request) != 0) return 0;
    request.ifr_flags |= IFF_UP;
    if (::ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) return 0;
    return static_cast<int>(::if_nametoindex("lo"));
}

sockaddr_ll address_of(int ifindex) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = ifindex;
    address.sll_halen = ETH_ALEN;
    return address;
}

// A ring with nothing to send: tpacket_snd is entered and returns at once.
void set_tx_ring(int fd) {
    const auto page = static_cast<unsigned>(::getpagesize());
    tpacket_req request{};
    request.tp_block_size = page;
    request.tp_block_nr = 1;
    request.tp_frame_size = page;
    request.tp_frame_nr = 1;
    ::setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request);
}

Fd packet_socket() {
    return Fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
}

Result<PrivateSockets> open_sockets() {
    PrivateSockets sockets{private_loopback(), packet_socket(), packet_socket()};
    if (!sockets.plain || !sockets.ring)
        return not_allowed(fmt::format("cannot open a packet socket for the check send: {}", errno_text(errno)),
                           "run as root or with CAP_NET_RAW");
    set_tx_ring(sockets.ring.get());
    return sockets;
}

bool send(const PrivateSockets& sockets) {
    const sockaddr_ll address = address_of(sockets.ifindex);
    const std::array<char, 60> frame{};
    const auto* destination = sockets.ifindex ? reinterpret_cast<const sockaddr*>(&address) : nullptr;
    const socklen_t length = sockets.ifindex ? sizeof address : 0;
    return ::sendto(sockets.plain.get(), frame.data(), frame.size(), MSG_DONTWAIT, destination, length) > 0;
}

Status send_both(const PrivateSockets& sockets, const std::function<void(std::uint32_t)>& announce) {
    announce(static_cast<std::uint32_t>(::gettid()));
    // Whether they succeed does not matter here: the records say where they went.
    (void)send(sockets);
    (void)::sendto(sockets.ring.get(), nullptr, 0, MSG_DONTWAIT, nullptr, 0);
    announce(0);
    return {};
}

constexpr std::size_t fewest_timed = 100;  // with fewer, nothing is said of them

Result<std::vector<double>> time_sends(const PrivateSockets& sockets,
                                       const std::function<void(std::uint32_t)>& announce,
                                       const std::function<void()>& between) {
    constexpr std::uint64_t budget_ns = 40'000'000;
    constexpr std::uint64_t patience_ns = 1'000'000'000;  // on a machine so busy that we hardly ran in that time
    constexpr std::size_t most = 2000;
    constexpr std::size_t warming_up = 40;  // the first ones
    constexpr std::size_t between_every = 100;
    std::vector<double> times;
    if (!sockets.ifindex) return times;
    const std::uint64_t begun = monotonic_ns();
    announce(static_cast<std::uint32_t>(::gettid()));
    // Each for itself: what comes between (another task, an interrupt) then spoils one and not the mean of many.
    const auto goes_on = [&] {
        const std::uint64_t gone = monotonic_ns() - begun;
        return times.size() < most && gone < (times.size() < fewest_timed ? patience_ns : budget_ns);
    };
    for (std::size_t i = 0; goes_on(); i++) {
        const std::uint64_t start = monotonic_ns();
        const bool sent = send(sockets);
        const std::uint64_t took = monotonic_ns() - start;
        if (sent && i >= warming_up) times.push_back(static_cast<double>(took));
        if (i % between_every == between_every - 1) between();
    }
    announce(0);
    between();  // nothing of it is to be left for others
    std::ranges::sort(times);
    return times;
}

// Whoever traces meanwhile sees these sends as any other, and by this name whose they are.
template <typename Work, typename Made = std::invoke_result_t<Work>>
std::future<Made> in_own_thread(Work work) {
    try {
        return std::async(std::launch::async, [work] {
            ::prctl(PR_SET_NAME, private_sender_name);
            return work();
        });
    } catch (const std::system_error& error) {
        std::promise<Made> none;
        none.set_value(fail(fmt::format("cannot start the thread of the check send: {}", error.code().message()),
                            "raise the limit of processes (ulimit -u, or pids.max of the control group)"));
        return none.get_future();
    }
}

}  // namespace

std::future<Result<PrivateSockets>> open_private_sockets() {
    return in_own_thread(open_sockets);
}

std::future<void> close_private_sockets(PrivateSockets sockets) {
    try {
        // The future would keep what the function only holds.
        return std::async(std::launch::async, [held = std::move(sockets)]() mutable { held = {}; });
    } catch (const std::system_error&) {
        return {};  // closed here
    }
}

Status make_check_sends(const PrivateSockets& sockets, const std::function<void(std::uint32_t tid)>& announce) {
    return in_own_thread([&] { return send_both(sockets, announce); }).get();
}

std::vector<double> time_private_sends(const PrivateSockets& sockets,
                                       const std::function<void(std::uint32_t tid)>& announce,
                                       const std::function<void()>& between) {
    return in_own_thread([&] { return time_sends(sockets, announce, between); }).get().value_or(std::vector<double>());
}

std::optional<TracingCost> tracing_cost(const std::vector<double>& without, const std::vector<double>& with) {
    if (without.size() < fewest_timed || with.size() < fewest_timed) return std::nullopt;
    const auto more = [&](std::size_t of_with, std::size_t of_without) {
        const double difference = with[with.size() * of_with / 4] - without[without.size() * of_without / 4];
        return static_cast<std::uint64_t>(std::max(difference, 0.0));
    };
    return TracingCost{more(2, 2), more(1, 3), more(3, 1)};
}

}  // namespace sockray
