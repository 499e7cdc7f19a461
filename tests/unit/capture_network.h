// A pair of veth devices in a network namespace of the test's own, and frames through it.
#pragma once

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "user/capture/receiver.h"
#include "user/drive/interface.h"
#include "user/drive/socket.h"

namespace sockray {

// Runs `body` in a thread with a network namespace of its own that has lo and the pair veth0, veth1, all up and without
// IPv6: nothing but what a test sends passes. Returns why it could not, or "".
template <typename Body>
std::string in_veth_namespace(Body body) {
    std::string problem;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) {
            problem = "cannot make a network namespace: " + errno_text(errno);
            return;
        }
        constexpr const char* commands =
            "{ ! test -e /proc/sys/net/ipv6/conf/default || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; } && "
            "ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up && "
            "ip link set lo up";
        if (std::system(commands) != 0) {
            problem = std::string("this does not work here: ") + commands;
            return;
        }
        body();
    }).join();
    return problem;
}

// A test whose body runs so, or is skipped with the reason.
#define VETH_TEST(suite, name)                                                                                 \
    void suite##_##name();                                                                                     \
    TEST(suite, name) {                                                                                        \
        if (const auto problem = in_veth_namespace(suite##_##name); !problem.empty()) GTEST_SKIP() << problem; \
    }                                                                                                          \
    void suite##_##name()

// An Ethernet frame of an ethertype of its own, whose last bytes all are `number`.
inline std::vector<std::uint8_t> numbered_frame(std::uint32_t number, std::size_t size = 60,
                                                std::uint16_t type = 0x88b5) {
    std::vector<std::uint8_t> frame(size, static_cast<std::uint8_t>(number));
    for (std::size_t i = 0; i < 6; ++i) frame[i] = 0xff;
    frame[6] = 0x02;
    frame[12] = static_cast<std::uint8_t>(type >> 8);
    frame[13] = static_cast<std::uint8_t>(type & 0xff);
    std::memcpy(&frame[14], &number, sizeof number);
    return frame;
}

// Sends frames out of an interface; the test fails where one is not taken.
inline void send_frames(const char* name, const std::vector<std::vector<std::uint8_t>>& frames) {
    const auto interface = find_interface(name).value();
    SocketOptions options;
    options.method = SendMethod::send;
    const auto socket = PacketSocket::open(interface, options);
    ASSERT_TRUE(socket) << socket.error().what;
    for (const auto& frame : frames)
        ASSERT_EQ(::send(socket->fd(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
}

inline void send_numbered(const char* name, std::uint32_t count, std::size_t size = 60) {
    std::vector<std::vector<std::uint8_t>> frames;
    for (std::uint32_t i = 0; i < count; ++i) frames.push_back(numbered_frame(i, size));
    send_frames(name, frames);
}

inline CaptureOptions capture_on(const char* name) {
    CaptureOptions options;
    options.ifindex = static_cast<int>(::if_nametoindex(name));
    options.retire_ms = 10;
    options.ring_bytes = std::size_t{2} << 20;
    return options;
}

// Keeps everything.
struct KeptFrame {
    std::vector<std::uint8_t> bytes;
    CapturedFrame frame;  // its own `bytes` are no longer valid
};

class KeepingSink final : public FrameSink {
  public:
    void frame(const CapturedFrame& frame) override {
        const auto* const data = reinterpret_cast<const std::uint8_t*>(frame.bytes.data());
        frames.push_back({{data, data + frame.bytes.size()}, frame});
    }
    std::vector<KeptFrame> frames;
};

}  // namespace sockray
