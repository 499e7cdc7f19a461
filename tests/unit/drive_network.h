// The driver in a network namespace of the test's own: what it is to send, what it said, and what arrived.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "user/drive/driver.h"

namespace sockray::driving {

inline constexpr std::uint64_t magic = 0x736f636b72617921;

inline bool bring_up(const char* name) {
    const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP;
    return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

// Runs `body` in a thread with a network namespace of its own, where lo is up. Returns why it could not, or "".
template <typename Body>
std::string in_new_netns(Body body) {
    std::string problem;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            problem = "cannot make a network namespace: " + errno_text(errno);
            return;
        }
        if (!bring_up("lo")) {
            problem = "cannot bring lo up: " + errno_text(errno);
            return;
        }
        body();
    }).join();
    return problem;
}

// A test whose body runs so, or is skipped with the reason.
#define NETNS_TEST(suite, name)                                                                           \
    void suite##_##name();                                                                                \
    TEST(suite, name) {                                                                                   \
        if (const auto problem = in_new_netns(suite##_##name); !problem.empty()) GTEST_SKIP() << problem; \
    }                                                                                                     \
    void suite##_##name()

// Runs commands of iproute2 in the calling thread's namespace; skips the test where they do not work here.
#define NEEDS_COMMANDS(commands) \
    if (std::system(commands) != 0) GTEST_SKIP() << "this does not work here: " << (commands)

// Without IPv6 (where there is one): nothing but what a test sends leaves through it.
inline constexpr const char* make_veth =
    "! test -e /proc/sys/net/ipv6/conf/default || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && "
    "ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up";

// The offset of the cookie in the template `ethernet`.
inline constexpr std::size_t cookie_offset = ethernet_header_size;

inline std::shared_ptr<const FrameSource> frames_of(const Interface& interface, const FrameSpec& spec) {
    return make_frames(interface, spec, magic).value();
}

// Frames of the template `ethernet`, all of one size.
inline void set_size(DriveOptions& options, std::size_t size) {
    FrameSpec spec;
    spec.size = {size, size};
    options.frames = frames_of(options.interface, spec);
}

inline std::vector<std::uint8_t> one_frame(const Interface& interface, std::size_t size) {
    FrameSpec spec;
    spec.size = {size, size};
    std::vector<std::uint8_t> frame(size);
    frames_of(interface, spec)->compose(1, frame);
    return frame;
}

inline DriveOptions options_for(const char* name, std::uint64_t count) {
    DriveOptions options;
    options.interface = find_interface(name).value();
    options.count = count;
    set_size(options, default_frame_size);
    return options;
}

// Collects a run's events to its end, or until `limit` has passed.
inline std::vector<DriveEvent> collect(Driver& driver, std::chrono::seconds limit = std::chrono::seconds(30)) {
    std::vector<DriveEvent> events;
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!driver.finished() && std::chrono::steady_clock::now() < end) {
        driver.drain(events);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(driver.finished()) << "not over after " << limit.count() << " s";
    driver.drain(events);
    return events;
}

inline std::vector<DriveEvent> drive(const DriveOptions& options) {
    Driver driver(options);
    const Status started = driver.start();
    EXPECT_TRUE(started) << started.error().what;
    return collect(driver);
}

inline std::set<std::uint64_t> numbers_of(const std::vector<DriveEvent>& events) {
    std::set<std::uint64_t> numbers;
    for (const DriveEvent& event : events) numbers.insert(event.number);
    return numbers;
}

// True where the numbers are 1 to count, each once.
inline bool is_complete(const std::vector<DriveEvent>& events, std::uint64_t count) {
    const auto numbers = numbers_of(events);
    return events.size() == count && numbers.size() == count && *numbers.begin() == 1 && *numbers.rbegin() == count;
}

// In host byte order, as the driver writes it.
inline std::uint64_t word_at(const std::uint8_t* frame, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, frame + offset, sizeof word);
    return word;
}

// Receives what arrives on any interface of the namespace.
class Arrivals {
  public:
    Arrivals() : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
        const int bytes = 64 << 20;
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    }

    // The frames with the magic that arrived so far.
    std::vector<std::vector<std::uint8_t>> frames() {
        std::vector<std::vector<std::uint8_t>> frames;
        std::uint8_t frame[2048];
        while (true) {
            sockaddr_ll from{};
            socklen_t from_size = sizeof from;
            const ssize_t size =
                ::recvfrom(fd_.get(), frame, sizeof frame, 0, reinterpret_cast<sockaddr*>(&from), &from_size);
            if (size < 0) return frames;
            if (size < static_cast<ssize_t>((cookie_offset + cookie_size)) || from.sll_pkttype == PACKET_OUTGOING)
                continue;
            if (word_at(frame, cookie_offset) == magic) frames.emplace_back(frame, frame + size);
        }
    }

  private:
    Fd fd_;
};

inline constexpr SocketType all_types[] = {SocketType::raw, SocketType::dgram, SocketType::packet};

inline std::string words_of(const SocketOptions& options) {
    return std::string(socket_name(options.type)) + " " + std::string(method_name(options.method)) +
           (options.bypass ? " bypass" : "") + (options.vnet_hdr ? " vnet_hdr" : "");
}

// Every combination that check_socket() takes, on this interface.
inline std::vector<SocketOptions> all_sockets(const Interface& interface) {
    std::vector<SocketOptions> all;
    for (const SocketType type : all_types)
        for (const SendMethod method : send_methods)
            for (const bool bypass : {false, true})
                for (const bool vnet_hdr : {false, true}) {
                    const SocketOptions options{type, method, bypass, vnet_hdr, 0};
                    if (check_socket(interface, options)) all.push_back(options);
                }
    return all;
}

}  // namespace sockray::driving
