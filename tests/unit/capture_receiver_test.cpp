// Capturing at work, on veth and lo in network namespaces made for each test. Skipped without the privileges.
#include "user/capture/receiver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/bpf_common.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "tests/unit/capture_network.h"
#include "user/base/clock.h"

namespace sockray {
namespace {

Receiver opened(const CaptureOptions& options) {
    auto receiver = Receiver::open(options);
    EXPECT_TRUE(receiver) << receiver.error().what;
    return std::move(receiver.value());
}

// All that waits; the sums must balance.
CaptureCounts finished(Receiver& receiver, KeepingSink& sink) {
    const auto counts = receiver.finish(sink);
    EXPECT_TRUE(counts) << counts.error().what;
    if (!counts) return {};
    EXPECT_EQ(counts->seen, counts->delivered + counts->dropped);
    EXPECT_EQ(counts->delivered, sink.frames.size());
    return *counts;
}

std::uint32_t number_of(const KeptFrame& kept, std::size_t offset = 14) {
    std::uint32_t number = 0;
    std::memcpy(&number, kept.bytes.data() + offset, sizeof number);
    return number;
}

// Frames of this ethertype only: ldh [12]; jeq #type, 0, 1; ret #262144; ret #0.
std::vector<sock_filter> ethertype_filter(std::uint16_t type) {
    return {{BPF_LD | BPF_H | BPF_ABS, 0, 0, 12},
            {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, type},
            {BPF_RET | BPF_K, 0, 0, 262144},
            {BPF_RET | BPF_K, 0, 0, 0}};
}

// Reads a ring until an error comes, for a few seconds at most.
std::string end_of(Receiver& receiver, KeepingSink& sink) {
    const std::uint64_t end_ns = monotonic_ns() + 5'000'000'000;
    while (monotonic_ns() < end_ns) {
        pollfd waiting{receiver.fd(0), POLLIN, 0};
        ::poll(&waiting, 1, 100);
        if (const auto read = receiver.read(0, sink); !read) return read.error().what;
    }
    return "it did not end";
}

VETH_TEST(CaptureReceiver, EachFrameArrivesOnceInOrderAndWhole) {
    CaptureOptions options = capture_on("veth1");
    options.ring_bytes = std::size_t{8} << 20;
    Receiver receiver = opened(options);
    EXPECT_EQ(receiver.link_type().linktype, linktype_ethernet);
    const std::uint64_t before_ns = clock_ns(CLOCK_REALTIME);
    send_numbered("veth0", 10'000);
    KeepingSink sink;
    const CaptureCounts counts = finished(receiver, sink);
    EXPECT_EQ(counts.seen, 10'000U);
    EXPECT_EQ(counts.dropped, 0U);
    EXPECT_EQ(counts.cut, 0U);
    ASSERT_EQ(sink.frames.size(), 10'000U);
    std::uint64_t last_ns = before_ns;
    for (std::uint32_t i = 0; i < sink.frames.size(); ++i) {
        const KeptFrame& kept = sink.frames[i];
        ASSERT_EQ(kept.bytes, numbered_frame(i));
        ASSERT_EQ(kept.frame.length, 60U);
        ASSERT_EQ(kept.frame.pkttype, PACKET_BROADCAST);
        ASSERT_EQ(kept.frame.protocol, 0x88b5);
        ASSERT_EQ(kept.frame.ifindex, static_cast<int>(::if_nametoindex("veth1")));
        ASSERT_GE(kept.frame.realtime_ns, last_ns);
        last_ns = kept.frame.realtime_ns;
    }
    EXPECT_LE(last_ns, clock_ns(CLOCK_REALTIME));
}

VETH_TEST(CaptureReceiver, WhatTheFilterDoesNotMatchIsNotSeenAtAll) {
    CaptureOptions options = capture_on("veth1");
    options.filter = ethertype_filter(0x88b6);
    Receiver receiver = opened(options);
    std::vector<std::vector<std::uint8_t>> frames;
    for (std::uint32_t i = 0; i < 1000; ++i) frames.push_back(numbered_frame(i, 60, i % 4 == 0 ? 0x88b6 : 0x88b5));
    send_frames("veth0", frames);
    KeepingSink sink;
    EXPECT_EQ(finished(receiver, sink).seen, 250U);
    for (const KeptFrame& kept : sink.frames) EXPECT_EQ(number_of(kept) % 4, 0U);
}

// Frames pass all the time, from before the socket is made.
VETH_TEST(CaptureReceiver, NoFrameThatDoesNotMatchGetsInBeforeTheFilterIsThere) {
    std::atomic<bool> stop{false};
    const auto interface = find_interface("veth0").value();
    SocketOptions socket_options;
    socket_options.method = SendMethod::send;
    const auto socket = PacketSocket::open(interface, socket_options);
    ASSERT_TRUE(socket);
    std::thread sender([&] {
        const auto frame = numbered_frame(1);
        while (!stop) (void)::send(socket->fd(), frame.data(), frame.size(), 0);
    });
    std::uint64_t seen = 0;
    for (int i = 0; i < 20; ++i) {
        CaptureOptions options = capture_on("veth1");
        options.filter = ethertype_filter(0x88b6);
        options.rings = i % 2 + 1;
        Receiver receiver = opened(options);
        KeepingSink sink;
        seen += finished(receiver, sink).seen;
    }
    stop = true;
    sender.join();
    EXPECT_EQ(seen, 0U);
}

VETH_TEST(CaptureReceiver, FramesLongerThanTheSnaplenAreCutAndCountedAsCut) {
    CaptureOptions options = capture_on("veth1");
    options.snaplen = 96;
    Receiver receiver = opened(options);
    send_frames("veth0",
                {numbered_frame(1, 95), numbered_frame(2, 96), numbered_frame(3, 97), numbered_frame(4, 1514)});
    KeepingSink sink;
    const CaptureCounts counts = finished(receiver, sink);
    EXPECT_EQ(counts.cut, 2U);
    EXPECT_EQ(counts.dropped, 0U);
    ASSERT_EQ(sink.frames.size(), 4U);
    EXPECT_EQ(sink.frames[0].bytes.size(), 95U);
    EXPECT_EQ(sink.frames[1].bytes.size(), 96U);
    EXPECT_EQ(sink.frames[2].bytes.size(), 96U);
    EXPECT_EQ(sink.frames[3].bytes.size(), 96U);
    EXPECT_EQ(sink.frames[3].frame.length, 1514U);
}

VETH_TEST(CaptureReceiver, ADirectionLeavesTheOtherOut) {
    CaptureOptions options = capture_on("veth1");
    Receiver both = opened(options);
    options.direction = CaptureDirection::in;
    Receiver in = opened(options);
    options.direction = CaptureDirection::out;
    Receiver out = opened(options);
    send_numbered("veth0", 30);
    send_numbered("veth1", 20);
    KeepingSink both_sink, in_sink, out_sink;
    EXPECT_EQ(finished(both, both_sink).seen, 50U);
    EXPECT_EQ(finished(in, in_sink).seen, 30U);
    EXPECT_EQ(finished(out, out_sink).seen, 20U);
    for (const KeptFrame& kept : in_sink.frames) EXPECT_NE(kept.frame.pkttype, PACKET_OUTGOING);
    for (const KeptFrame& kept : out_sink.frames) EXPECT_EQ(kept.frame.pkttype, PACKET_OUTGOING);
}

VETH_TEST(CaptureReceiver, LoopbackFramesAreSeenOnceThoughTheyPassTwice) {
    Receiver lo = opened(capture_on("lo"));
    CaptureOptions any = capture_on("lo");
    any.ifindex = 0;
    Receiver all = opened(any);
    send_numbered("lo", 100);
    KeepingSink lo_sink, all_sink;
    EXPECT_EQ(finished(lo, lo_sink).seen, 100U);
    EXPECT_EQ(finished(all, all_sink).seen, 100U);
}

VETH_TEST(CaptureReceiver, AVlanTagStandsInTheFrameAgain) {
    Receiver receiver = opened(capture_on("veth1"));
    auto tagged = numbered_frame(7, 64, ETH_P_8021Q);
    const std::uint8_t tag[4] = {0x60, 0x2a, 0x88, 0xb5};  // priority 3, id 42
    std::copy_n(tag, sizeof tag, tagged.begin() + 14);
    send_frames("veth0", {tagged});
    KeepingSink sink;
    finished(receiver, sink);
    ASSERT_EQ(sink.frames.size(), 1U);
    EXPECT_TRUE(sink.frames[0].frame.has_vlan);
    EXPECT_EQ(sink.frames[0].frame.vlan_tci, 0x602a);
    EXPECT_EQ(sink.frames[0].frame.vlan_tpid, ETH_P_8021Q);
    EXPECT_EQ(sink.frames[0].frame.length, 64U);
    EXPECT_EQ(sink.frames[0].bytes, tagged);
}

VETH_TEST(CaptureReceiver, AnyIsCookedAndNamesTheInterface) {
    CaptureOptions options = capture_on("veth1");
    options.ifindex = 0;
    options.direction = CaptureDirection::in;
    options.snaplen = 60;
    Receiver receiver = opened(options);
    EXPECT_EQ(receiver.link_type().linktype, linktype_linux_sll2);
    const auto sent = numbered_frame(5);
    send_frames("veth0", {sent});
    KeepingSink sink;
    EXPECT_EQ(finished(receiver, sink).cut, 1U);
    ASSERT_EQ(sink.frames.size(), 1U);
    const auto& bytes = sink.frames[0].bytes;
    ASSERT_EQ(bytes.size(), 60U);
    EXPECT_EQ(sink.frames[0].frame.length, 66U);  // 20 + 60 - 14
    const auto index = static_cast<std::uint8_t>(::if_nametoindex("veth1"));
    const std::vector<std::uint8_t> header = {0x88, 0xb5, 0, 0, 0, 0, 0, index, 0, ARPHRD_ETHER, PACKET_BROADCAST,
                                              6,    0x02, 5, 5, 5, 5, 5, 0,     0};
    EXPECT_EQ(std::vector<std::uint8_t>(bytes.begin(), bytes.begin() + 20), header);
    EXPECT_TRUE(std::equal(bytes.begin() + 20, bytes.end(), sent.begin() + 14));
}

// ldh [0]; jeq #0x88b6 as compiled for SLL2.
VETH_TEST(CaptureReceiver, AFilterForSll2WorksInTheKernel) {
    CaptureOptions options = capture_on("veth1");
    options.ifindex = 0;
    options.direction = CaptureDirection::in;
    options.filter = ethertype_filter(0x88b6);
    options.filter[0].k = 0;
    Receiver receiver = opened(options);
    send_frames("veth0", {numbered_frame(1), numbered_frame(2, 60, 0x88b6), numbered_frame(3)});
    KeepingSink sink;
    EXPECT_EQ(finished(receiver, sink).seen, 1U);
    ASSERT_EQ(sink.frames.size(), 1U);
    EXPECT_EQ(number_of(sink.frames[0], 20), 2U);
}

VETH_TEST(CaptureReceiver, WhatFindsNoRoomInTheRingIsCountedToTheFrame) {
    CaptureOptions options = capture_on("veth1");
    options.ring_bytes = 0;  // two blocks
    options.snaplen = 2048;
    Receiver receiver = opened(options);
    constexpr std::uint32_t count = 5000;
    send_numbered("veth0", count, 1000);
    EXPECT_GT(receiver.counts()->waiting(), 0U);
    KeepingSink sink;
    ASSERT_TRUE(receiver.read(0, sink));
    const std::size_t before = sink.frames.size();
    send_numbered("veth0", 10, 1000);  // there is room again
    const CaptureCounts counts = finished(receiver, sink);
    EXPECT_EQ(counts.seen, count + 10);
    EXPECT_GT(counts.dropped, 0U);
    EXPECT_GE(counts.freezes, 1U);
    EXPECT_GT(before, 0U);
    // What is there is the first frames and the last ones, without a gap in between but the one.
    for (std::uint32_t i = 0; i + 10 < sink.frames.size(); ++i) ASSERT_EQ(number_of(sink.frames[i]), i);
    EXPECT_EQ(sink.frames.size(), count + 10 - counts.dropped);
}

VETH_TEST(CaptureReceiver, TwoRingsShareTheFramesAndNoneComesTwice) {
    CaptureOptions options = capture_on("veth1");
    options.rings = 2;
    for (const CaptureFanout mode : {CaptureFanout::hash, CaptureFanout::cpu, CaptureFanout::queue}) {
        options.fanout = mode;
        Receiver receiver = opened(options);
        ASSERT_EQ(receiver.rings(), 2U);
        send_numbered("veth0", 2000);
        KeepingSink sink;
        EXPECT_EQ(finished(receiver, sink).seen, 2000U);
        std::set<std::uint32_t> numbers;
        for (const KeptFrame& kept : sink.frames) numbers.insert(number_of(kept));
        EXPECT_EQ(numbers.size(), 2000U);
        const std::uint64_t parts = receiver.counts(0)->seen + receiver.counts(1)->seen;
        EXPECT_EQ(parts, 2000U);
    }
}

// As a capture does it: a thread for each ring, and one that looks at the counts.
VETH_TEST(CaptureReceiver, ThreadsReadTheirRingsWhileTheCountsAreRead) {
    CaptureOptions options = capture_on("veth1");
    options.rings = 2;
    options.fanout = CaptureFanout::cpu;
    options.ring_bytes = std::size_t{8} << 20;
    Receiver receiver = opened(options);
    std::atomic<bool> stop{false};
    KeepingSink sinks[2];
    std::vector<std::thread> readers;
    for (std::size_t ring = 0; ring < 2; ++ring)
        readers.emplace_back([&, ring] {
            while (!stop) {
                pollfd waiting{receiver.fd(ring), POLLIN, 0};
                ::poll(&waiting, 1, 10);
                ASSERT_TRUE(receiver.read(ring, sinks[ring]));
            }
        });
    for (int i = 0; i < 10; ++i) {
        send_numbered("veth0", 1000);
        const auto counts = receiver.counts();
        EXPECT_TRUE(counts);
        EXPECT_LE(counts->delivered + counts->dropped, counts->seen);
    }
    stop = true;
    for (std::thread& reader : readers) reader.join();
    KeepingSink rest;
    const auto counts = receiver.finish(rest);
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->seen, 10'000U);
    EXPECT_EQ(counts->dropped, 0U);
    EXPECT_EQ(sinks[0].frames.size() + sinks[1].frames.size() + rest.frames.size(), 10'000U);
}

VETH_TEST(CaptureReceiver, FlowsAreSpreadOverTheRings) {
    CaptureOptions options = capture_on("veth1");
    options.rings = 2;
    Receiver receiver = opened(options);
    ASSERT_EQ(
        std::system("ip addr add 192.0.2.1/24 dev veth0 && ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev veth0"),
        0);
    for (std::uint16_t port = 1000; port < 1064; ++port) {
        const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(0xc0000202);
        ASSERT_EQ(::sendto(fd.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 1);
    }
    KeepingSink sink;
    EXPECT_GE(finished(receiver, sink).seen, 64U);
    EXPECT_GT(receiver.counts(0)->seen, 0U);
    EXPECT_GT(receiver.counts(1)->seen, 0U);
}

VETH_TEST(CaptureReceiver, AnInterfaceThatGoesDownEndsTheCaptureAndKeepsWhatCameBefore) {
    Receiver receiver = opened(capture_on("veth1"));
    send_numbered("veth0", 10);
    ASSERT_EQ(std::system("ip link set veth1 down"), 0);
    KeepingSink sink;
    EXPECT_EQ(end_of(receiver, sink), "veth1 went down while it was captured (ENETDOWN)");
    EXPECT_EQ(finished(receiver, sink).seen, 10U);
    EXPECT_FALSE(receiver.read(0, sink)) << "the reason is remembered";
}

VETH_TEST(CaptureReceiver, AnInterfaceThatIsDeletedEndsTheCaptureAndKeepsWhatCameBefore) {
    Receiver receiver = opened(capture_on("veth1"));
    const unsigned index = ::if_nametoindex("veth1");
    send_numbered("veth0", 10);
    ASSERT_EQ(std::system("ip link del veth0"), 0);
    KeepingSink sink;
    EXPECT_EQ(end_of(receiver, sink),
              "interface " + std::to_string(index) + " has been deleted while it was captured (ENODEV)");
    EXPECT_EQ(finished(receiver, sink).seen, 10U);
}

VETH_TEST(CaptureReceiver, OneThatIsDownOrNotThereIsSaidAtOnce) {
    ASSERT_EQ(std::system("ip link set veth1 down"), 0);
    const auto down = Receiver::open(capture_on("veth1"));
    ASSERT_FALSE(down);
    EXPECT_EQ(down.error().what, "cannot capture on veth1: it is down");
    CaptureOptions options = capture_on("veth1");
    options.ifindex = 99999;
    const auto unknown = Receiver::open(options);
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().what, "cannot capture on interface 99999: No such device");
}

VETH_TEST(CaptureReceiver, WithoutPrivilegesTheCapabilityIsNamed) {
    const CaptureOptions options = capture_on("veth1");
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2]{};
    ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);  // of this thread only, which ends with the test
    const auto receiver = Receiver::open(options);
    ASSERT_FALSE(receiver);
    EXPECT_EQ(receiver.error().kind, ErrorKind::not_allowed);
    EXPECT_NE(receiver.error().remedy.find("CAP_NET_RAW"), std::string::npos);
}

VETH_TEST(CaptureReceiver, PromiscuousIsAsAskedForAndEndsWithTheCapture) {
    const auto count = [] { return std::system("ip -d link show veth1 | grep -q 'promiscuity 1'") == 0; };
    {
        Receiver receiver = opened(capture_on("veth1"));
        EXPECT_TRUE(count());
    }
    EXPECT_FALSE(count());
    CaptureOptions options = capture_on("veth1");
    options.promiscuous = false;
    Receiver receiver = opened(options);
    EXPECT_FALSE(count());
}

TEST(CaptureReceiverOptions, OnesOutOfRangeAreUsageErrors) {
    const auto refused = [](auto change) {
        CaptureOptions options;
        change(options);
        const auto receiver = Receiver::open(options);
        return !receiver && receiver.error().kind == ErrorKind::usage;
    };
    EXPECT_TRUE(refused([](CaptureOptions& options) { options.snaplen = 0; }));
    EXPECT_TRUE(refused([](CaptureOptions& options) { options.snaplen = max_snaplen + 1; }));
    EXPECT_TRUE(refused([](CaptureOptions& options) { options.rings = 0; }));
    EXPECT_TRUE(refused([](CaptureOptions& options) { options.rings = max_capture_rings + 1; }));
    EXPECT_TRUE(refused([](CaptureOptions& options) { options.ring_bytes = max_capture_ring_bytes + 1; }));
    EXPECT_TRUE(refused([](CaptureOptions& options) { options.retire_ms = 0; }));
    EXPECT_TRUE(refused([](CaptureOptions& options) { options.ifindex = -1; }));
}

}  // namespace
}  // namespace sockray
