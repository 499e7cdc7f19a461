// The driver at work, on lo and veth in network namespaces made for each test. Skipped without the
// privileges.
#include "user/drive/driver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "user/base/clock.h"

namespace sockray {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t magic = 0x736f636b72617921;

bool bring_up(const char* name) {
    const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP;
    return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

// Runs `body` in a thread with a network namespace of its own, where lo is up. Returns why it could not, or
// "".
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
constexpr const char* make_veth =
    "! test -e /proc/sys/net/ipv6/conf/default || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && "
    "ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up";

// The offset of the cookie in the template `ethernet`.
constexpr std::size_t cookie_offset = ethernet_header_size;

std::shared_ptr<const FrameSource> frames_of(const Interface& interface, const FrameSpec& spec) {
    return make_frames(interface, spec, magic).value();
}

// Frames of the template `ethernet`, all of one size.
void set_size(DriveOptions& options, std::size_t size) {
    FrameSpec spec;
    spec.size = {size, size};
    options.frames = frames_of(options.interface, spec);
}

std::vector<std::uint8_t> one_frame(const Interface& interface, std::size_t size) {
    FrameSpec spec;
    spec.size = {size, size};
    std::vector<std::uint8_t> frame(size);
    frames_of(interface, spec)->compose(1, frame);
    return frame;
}

DriveOptions options_for(const char* name, std::uint64_t count) {
    DriveOptions options;
    options.interface = find_interface(name).value();
    options.count = count;
    set_size(options, default_frame_size);
    return options;
}

// Collects a run's events to its end, or until `limit` has passed.
std::vector<DriveEvent> collect(Driver& driver, std::chrono::seconds limit = 30s) {
    std::vector<DriveEvent> events;
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!driver.finished() && std::chrono::steady_clock::now() < end) {
        driver.drain(events);
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_TRUE(driver.finished()) << "not over after " << limit.count() << " s";
    driver.drain(events);
    return events;
}

std::vector<DriveEvent> drive(const DriveOptions& options) {
    Driver driver(options);
    const Status started = driver.start();
    EXPECT_TRUE(started) << started.error().what;
    return collect(driver);
}

std::set<std::uint64_t> numbers_of(const std::vector<DriveEvent>& events) {
    std::set<std::uint64_t> numbers;
    for (const DriveEvent& event : events) numbers.insert(event.number);
    return numbers;
}

// True where the numbers are 1 to count, each once.
bool is_complete(const std::vector<DriveEvent>& events, std::uint64_t count) {
    const auto numbers = numbers_of(events);
    return events.size() == count && numbers.size() == count && *numbers.begin() == 1 && *numbers.rbegin() == count;
}

// Receives what arrives on any interface of the namespace.
class Receiver {
  public:
    Receiver() : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
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

    static std::uint64_t word_at(const std::uint8_t* frame, std::size_t offset) {
        std::uint64_t word = 0;
        std::memcpy(&word, frame + offset, sizeof word);
        return word;
    }

  private:
    Fd fd_;
};

NETNS_TEST(DriveDriver, TenThousandSendsAreTenThousandEventsFramesAndPackets) {
    Receiver receiver;
    const DriveOptions options = options_for("lo", 10'000);
    const auto before = read_counters(options.interface).value();
    const auto events = drive(options);
    const auto after = read_counters(options.interface).value();

    EXPECT_TRUE(is_complete(events, 10'000));
    std::uint64_t last_ns = 0;
    for (const DriveEvent& event : events) {
        ASSERT_EQ(event.ret, 60);
        ASSERT_EQ(event.err, 0);
        ASSERT_LE(last_ns, event.before_ns);
        ASSERT_LE(event.before_ns, event.after_ns);
        last_ns = event.after_ns;
    }
    EXPECT_EQ(after.tx_packets - before.tx_packets, 10'000U);
    EXPECT_EQ(after.tx_bytes - before.tx_bytes, 460'000U) << "lo does not count the Ethernet header";
    const auto frames = receiver.frames();
    ASSERT_EQ(frames.size(), 10'000U);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        ASSERT_EQ(frames[i].size(), 60U);
        ASSERT_EQ(Receiver::word_at(frames[i].data(), cookie_offset + 8), i + 1);
    }
}

constexpr SendMethod all_methods[] = {SendMethod::sendto,   SendMethod::send,    SendMethod::sendmsg,
                                      SendMethod::sendmmsg, SendMethod::write,   SendMethod::writev,
                                      SendMethod::ring_v1,  SendMethod::ring_v2, SendMethod::ring_v3};

constexpr SocketType all_types[] = {SocketType::raw, SocketType::dgram, SocketType::packet};

std::string words_of(const SocketOptions& options) {
    return std::string(socket_name(options.type)) + " " + std::string(method_name(options.method)) +
           (options.bypass ? " bypass" : "") + (options.vnet_hdr ? " vnet_hdr" : "");
}

// Every combination that check_socket() takes, on this interface.
std::vector<SocketOptions> all_sockets(const Interface& interface) {
    std::vector<SocketOptions> all;
    for (const SocketType type : all_types)
        for (const SendMethod method : all_methods)
            for (const bool bypass : {false, true})
                for (const bool vnet_hdr : {false, true}) {
                    const SocketOptions options{type, method, bypass, vnet_hdr, 0};
                    if (check_socket(interface, options)) all.push_back(options);
                }
    return all;
}

NETNS_TEST(DriveDriver, TheQdiscsCountersAreWhatWasGivenOutRefusedAndKept) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    NEEDS_COMMANDS("tc qdisc add dev veth0 root handle 7: tbf rate 8bit burst 1600 limit 4000");
    NEEDS_COMMANDS("ip link add veth2 type veth peer name veth3 && tc qdisc add dev veth2 root pfifo limit 5");
    const auto before = read_qdisc_counters(veth);
    ASSERT_TRUE(before) << before.error().what;
    EXPECT_EQ(before->kind, "tbf");
    EXPECT_EQ(before->handle, 0x70000U);
    DriveOptions options = options_for("veth0", 8);
    set_size(options, 1000);
    Driver driver(options);
    ASSERT_TRUE(driver.start());
    EXPECT_EQ(collect(driver).size(), 8U);
    const auto after = read_qdisc_counters(veth).value();
    EXPECT_EQ(after.packets - before->packets, 1U);
    EXPECT_EQ(after.bytes - before->bytes, 1000U);
    EXPECT_EQ(after.qlen, 4U);
    EXPECT_EQ(after.drops - before->drops, 3U);
    EXPECT_EQ(read_qdisc_counters(find_interface("veth2").value()).value().kind, "pfifo");
    EXPECT_FALSE(read_qdisc_counters(Interface{.name = "gone", .ifindex = 4711}));
}

NETNS_TEST(DriveDriver, EachSocketTypeAndMethodSendsTheSameFrames) {
    const auto lo = find_interface("lo").value();
    EXPECT_EQ(all_sockets(lo).size(), 9U * 4 + 9U * 2 + 3U);
    for (const SocketOptions& socket : all_sockets(lo)) {
        SCOPED_TRACE(words_of(socket));
        Receiver receiver;
        DriveOptions options = options_for("lo", 100);
        options.socket = socket;
        set_size(options, 200);
        const auto events = drive(options);
        EXPECT_TRUE(is_complete(events, 100));
        const bool counts_vnet_hdr = socket.vnet_hdr && !is_ring(socket.method);
        const int taken = socket.type == SocketType::dgram ? 186 : counts_vnet_hdr ? 210 : 200;
        for (const DriveEvent& event : events) {
            ASSERT_EQ(event.ret, taken);
            ASSERT_EQ(event.ring_status, is_ring(socket.method) ? TP_STATUS_AVAILABLE : DriveEvent::no_ring);
        }
        const auto frames = receiver.frames();
        std::set<std::uint64_t> numbers;  // a thread that moves to another CPU overtakes its own frames on lo
        for (const auto& frame : frames) {
            ASSERT_EQ(frame.size(), 200U);
            numbers.insert(Receiver::word_at(frame.data(), cookie_offset + 8));
        }
        EXPECT_EQ(frames.size(), 100U);
        // A frame that comes from a ring and passed no tap is not copied on lo: its receiver reads the slot itself, and
        // what stands there by then is a later frame.
        const bool shared = is_ring(socket.method) && socket.bypass;
        EXPECT_TRUE(shared || numbers.size() == 100) << numbers.size();
    }
}

NETNS_TEST(DriveDriver, WhatEachMethodSaysItSentIsWhatTheDeviceCounts) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    for (const SocketOptions& socket : all_sockets(veth)) {
        SCOPED_TRACE(words_of(socket));
        Receiver receiver;
        DriveOptions options = options_for("veth0", 1000);
        options.socket = socket;
        set_size(options, 100);
        const auto before = read_counters(veth).value();
        const auto events = drive(options);
        const auto after = read_counters(veth).value();
        EXPECT_TRUE(is_complete(events, 1000));
        for (const DriveEvent& event : events) ASSERT_GT(event.ret, 0) << errno_text(event.err);
        EXPECT_EQ(after.tx_packets - before.tx_packets, 1000U);
        EXPECT_EQ(after.tx_bytes - before.tx_bytes, 100'000U);
        std::set<std::uint64_t> numbers;
        for (const auto& frame : receiver.frames()) numbers.insert(Receiver::word_at(frame.data(), cookie_offset + 8));
        EXPECT_EQ(numbers.size(), 1000U);
    }
}

NETNS_TEST(DriveDriver, ACallOfSeveralFramesGivesAllOfThemItsTimes) {
    for (const SendMethod method : {SendMethod::sendmmsg, SendMethod::ring_v2}) {
        DriveOptions options = options_for("lo", 100);
        options.socket.method = method;
        options.socket.batch = 8;
        const auto events = drive(options);
        ASSERT_TRUE(is_complete(events, 100));
        std::map<std::uint64_t, std::size_t> calls;
        for (const DriveEvent& event : events) calls[event.before_ns]++;
        EXPECT_EQ(calls.size(), 13U) << method_name(method);
        for (std::size_t i = 0; i < events.size(); ++i) {
            ASSERT_EQ(events[i].number, i + 1);
            ASSERT_EQ(calls[events[i].before_ns], i < 96 ? 8U : 4U);
        }
    }
}

// Each frame is refused, and the call with it: none is tried twice, none left out.
NETNS_TEST(DriveDriver, FramesThatARingRefusesAreWrongFormat) {
    NEEDS_COMMANDS(make_veth);
    for (const SendMethod method : {SendMethod::ring_v1, SendMethod::ring_v2, SendMethod::ring_v3}) {
        DriveOptions options = options_for("veth0", 50);
        set_size(options, 1600);
        options.socket.method = method;
        const auto events = drive(options);
        EXPECT_TRUE(is_complete(events, 50));
        for (const DriveEvent& event : events) {
            ASSERT_EQ(event.ret, -1);
            ASSERT_EQ(event.err, EMSGSIZE);
            ASSERT_EQ(event.ring_status, TP_STATUS_WRONG_FORMAT);
        }
    }
    EXPECT_EQ(read_counters(find_interface("veth0").value()).value().tx_packets, 0U);
}

NETNS_TEST(DriveDriver, ADownInterfaceFailsEachSendOfEachMethod) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    NEEDS_COMMANDS("ip link set veth0 down");
    for (const SocketOptions& socket : all_sockets(veth)) {
        SCOPED_TRACE(words_of(socket));
        DriveOptions options = options_for("veth0", 70);
        options.socket = socket;
        const auto events = drive(options);
        EXPECT_TRUE(is_complete(events, 70));
        for (const DriveEvent& event : events) {
            ASSERT_EQ(event.ret, -1);
            ASSERT_EQ(event.err, ENETDOWN);
        }
    }
    EXPECT_EQ(read_counters(veth).value().tx_packets, 0U);
}

// A qdisc that takes 5 frames and lets none of them out: ENOBUFS for the others (IFF_UP, so not refused before), except
// where nobody is told why. Whatever the method, each frame is one attempt, and what was sent is what the qdisc took.
NETNS_TEST(DriveDriver, AFullQdiscFailsTheFramesThatItDoesNotTake) {
    NEEDS_COMMANDS(make_veth);
    for (const SendMethod method : all_methods) {
        if (is_ring(method)) continue;  // blocks until its frames are done with: the next test
        SCOPED_TRACE(method_name(method));
        NEEDS_COMMANDS("tc qdisc replace dev veth0 root handle 1: tbf rate 8bit burst 1600 limit 5000");
        DriveOptions options = options_for("veth0", 40);
        set_size(options, 1000);
        options.socket.method = method;
        options.socket.batch = is_batched(method) ? 16 : 0;
        const auto events = drive(options);
        EXPECT_TRUE(is_complete(events, 40));
        std::size_t sent = 0;
        for (const DriveEvent& event : events) {
            sent += event.ret >= 0;
            if (event.ret >= 0) continue;
            if (method == SendMethod::sendmmsg && sent == event.number - 1)
                EXPECT_EQ(event.err, 0) << "the call had sent others before, and told of these";
            else
                EXPECT_EQ(event.err, ENOBUFS);
        }
        EXPECT_EQ(sent, 6U) << "one at once, five in the qdisc";
        NEEDS_COMMANDS("tc qdisc del dev veth0 root");
    }
}

// Five of eight go into the qdisc, the sixth fails, the call with it, although it had taken some: ring and call say
// both.
NETNS_TEST(DriveDriver, ARingsCallThatFailsSaysWhichFramesItTookAllTheSame) {
    NEEDS_COMMANDS(make_veth);
    NEEDS_COMMANDS("tc qdisc add dev veth0 root tbf rate 8bit burst 1600 limit 4000");
    const auto veth = find_interface("veth0").value();
    for (const SendMethod method : {SendMethod::ring_v1, SendMethod::ring_v2, SendMethod::ring_v3}) {
        NEEDS_COMMANDS("tc qdisc replace dev veth0 root handle 1: tbf rate 8bit burst 1600 limit 4000");
        const SocketOptions socket{SocketType::raw, method, false, false, 8};
        const auto sender = FrameSender::open(veth, socket, 1000).value();
        const auto frame = one_frame(veth, 1000);
        const std::vector<FrameBytes> frames(8, frame);
        std::vector<DriveEvent> events(8);
        const SendCall call = sender->send(frames, events);
        ASSERT_EQ(call.frames, 6U) << method_name(method);
        EXPECT_EQ(events[0].ring_status, TP_STATUS_AVAILABLE);
        for (std::size_t i = 1; i < 5; ++i) {
            EXPECT_EQ(events[i].ret, 1000);
            EXPECT_EQ(events[i].ring_status, TP_STATUS_SENDING) << "in the qdisc";
        }
        EXPECT_EQ(events[5].ret, -1);
        EXPECT_EQ(events[5].err, ENOBUFS);
        EXPECT_EQ(events[5].ring_status, TP_STATUS_SEND_REQUEST);
        NEEDS_COMMANDS("tc qdisc del dev veth0 root");
        // The kernel goes on where it stopped, and so does the driver.
        EXPECT_EQ(sender->send(frames, events).frames, 8U);
        for (const DriveEvent& event : events) EXPECT_EQ(event.ring_status, TP_STATUS_AVAILABLE);
    }
}

NETNS_TEST(DriveDriver, StopInterruptsARingThatWaitsForTheDevice) {
    NEEDS_COMMANDS(make_veth);
    NEEDS_COMMANDS("tc qdisc add dev veth0 root tbf rate 8bit burst 1600 limit 100000000");
    DriveOptions options = options_for("veth0", UINT64_MAX);
    set_size(options, 1000);
    options.socket.method = SendMethod::ring_v3;
    options.socket.batch = 8;
    Driver driver(options);
    ASSERT_TRUE(driver.start());
    std::this_thread::sleep_for(200ms);
    const std::uint64_t before = monotonic_ns();
    driver.stop();
    EXPECT_LT(monotonic_ns() - before, 200'000'000U);
    std::vector<DriveEvent> events;
    EXPECT_EQ(driver.drain(events), 8U) << "what the first call took";
    for (const DriveEvent& event : events) EXPECT_EQ(event.ret, 1000) << "taken, whatever the call returned";
}

NETNS_TEST(DriveDriver, WithAVnetHeaderTheKernelTakesItOffAgain) {
    NEEDS_COMMANDS(make_veth);
    Receiver receiver;
    DriveOptions options = options_for("veth0", 1);
    drive(options);
    options.socket.vnet_hdr = true;
    for (const SendMethod method : all_methods) {
        options.socket.method = method;
        drive(options);
    }
    const auto frames = receiver.frames();
    ASSERT_EQ(frames.size(), 10U);
    for (const auto& frame : frames) EXPECT_EQ(frame, frames[0]);
}

NETNS_TEST(DriveDriver, OnEthernetTheKernelBuildsTheSameHeaderForDgram) {
    NEEDS_COMMANDS(make_veth);
    for (const SendMethod method : {SendMethod::sendto, SendMethod::sendmsg}) {
        Receiver receiver;
        DriveOptions options = options_for("veth0", 1);
        options.socket.method = method;
        drive(options);
        options.socket.type = SocketType::dgram;
        drive(options);
        const auto frames = receiver.frames();
        ASSERT_EQ(frames.size(), 2U);
        EXPECT_EQ(frames[0], frames[1]);
    }
}

NETNS_TEST(DriveDriver, SeveralThreadsShareTheNumbersAndEachAscends) {
    DriveOptions options = options_for("lo", 20'000);
    options.threads = 4;
    Driver driver(options);
    ASSERT_TRUE(driver.start());
    const auto tids = driver.tids();
    const auto events = collect(driver);
    EXPECT_EQ(std::set<std::uint32_t>(tids.begin(), tids.end()).size(), 4U);
    EXPECT_TRUE(is_complete(events, 20'000));
    for (const std::uint32_t tid : tids) {
        std::uint64_t last = 0;
        for (const DriveEvent& event : events) {
            if (event.tid != tid) continue;
            ASSERT_LT(last, event.number);
            last = event.number;
        }
    }
    for (const DriveEvent& event : events) ASSERT_EQ(std::count(tids.begin(), tids.end(), event.tid), 1);
}

NETNS_TEST(DriveDriver, EachThreadSaysOnceThatItsSocketIsOpenBeforeItSends) {
    DriveOptions options = options_for("lo", 1000);
    options.threads = 3;
    std::mutex mutex;
    std::vector<std::uint32_t> opened;
    std::uint64_t packets = 0;
    options.opened = [&] {
        const std::lock_guard lock(mutex);
        opened.push_back(static_cast<std::uint32_t>(::gettid()));
        packets = std::max(packets, read_counters(options.interface)->tx_packets);
    };
    Driver driver(options);
    ASSERT_TRUE(driver.start());
    EXPECT_EQ(collect(driver).size(), 1000U);
    std::vector<std::uint32_t> senders = driver.tids();
    std::sort(senders.begin(), senders.end());
    std::sort(opened.begin(), opened.end());
    EXPECT_EQ(opened, senders);
    EXPECT_EQ(packets, 0U) << "something had been sent";
}

NETNS_TEST(DriveDriver, TheRateIsKept) {
    for (const unsigned threads : {1U, 3U}) {
        DriveOptions options = options_for("lo", 2001);
        options.rate = 4000;
        options.threads = threads;
        const auto events = drive(options);
        ASSERT_TRUE(is_complete(events, 2001));
        const auto [first, last] = std::minmax_element(
            events.begin(), events.end(), [](const auto& a, const auto& b) { return a.before_ns < b.before_ns; });
        const double seconds = static_cast<double>(last->before_ns - first->before_ns) / 1e9;
        EXPECT_NEAR(2000 / seconds, 4000, 400) << threads << " threads";
    }
}

NETNS_TEST(DriveDriver, ASenderWaitsForTheCollectorAndLosesNothing) {
    Driver driver(options_for("lo", 100'000));  // more than a ring holds
    ASSERT_TRUE(driver.start());
    std::this_thread::sleep_for(500ms);
    EXPECT_FALSE(driver.finished());
    EXPECT_TRUE(is_complete(collect(driver), 100'000));
}

NETNS_TEST(DriveDriver, StopEndsASenderThatWaitsForTheCollector) {
    Driver driver(options_for("lo", UINT64_MAX));
    ASSERT_TRUE(driver.start());
    std::this_thread::sleep_for(300ms);
    driver.stop();
    EXPECT_TRUE(driver.finished());
    std::vector<DriveEvent> events;
    driver.drain(events);
    EXPECT_TRUE(is_complete(events, events.size())) << "one thread leaves no gap";
    EXPECT_EQ(read_counters(options_for("lo", 1).interface).value().tx_packets, events.size());
}

NETNS_TEST(DriveDriver, StopEndsAWaitForTheNextDueTime) {
    DriveOptions options = options_for("lo", 10);
    options.rate = 1;
    options.threads = 2;
    Driver driver(options);
    ASSERT_TRUE(driver.start());
    std::this_thread::sleep_for(20ms);
    const std::uint64_t before = monotonic_ns();
    driver.stop();
    EXPECT_LT(monotonic_ns() - before, 200'000'000U);
    std::vector<DriveEvent> events;
    EXPECT_EQ(driver.drain(events), 1U);
    driver.stop();  // once more does nothing
}

// The qdisc lets one frame out and then one in 25 minutes: room that came up in the meantime would let the
// interrupted send succeed (net/core/sock.c, sock_alloc_send_pskb looks for room before it looks for
// signals).
NETNS_TEST(DriveDriver, StopInterruptsASendThatBlocksAndReportsIt) {
    NEEDS_COMMANDS(make_veth);
    NEEDS_COMMANDS("tc qdisc add dev veth0 root tbf rate 8bit burst 1600 limit 100000000");
    DriveOptions options = options_for("veth0", UINT64_MAX);
    set_size(options, 1514);
    options.threads = 2;
    Driver driver(options);
    ASSERT_TRUE(driver.start());
    std::vector<DriveEvent> events;
    std::this_thread::sleep_for(300ms);  // long enough to fill the send buffers
    driver.drain(events);
    std::this_thread::sleep_for(100ms);
    ASSERT_EQ(driver.drain(events), 0U) << "nothing blocks";
    const std::uint64_t before = monotonic_ns();
    driver.stop();
    EXPECT_LT(monotonic_ns() - before, 200'000'000U);
    EXPECT_EQ(driver.drain(events), 2U) << "each thread's blocked send";
    for (const DriveEvent& event : {events.end()[-1], events.end()[-2]}) {
        EXPECT_EQ(event.ret, -1);
        EXPECT_EQ(event.err, EINTR);
        EXPECT_GT(event.after_ns - event.before_ns, 100'000'000U);
    }
    EXPECT_EQ(numbers_of(events).size(), events.size());
}

NETNS_TEST(DriveDriver, RefusedSendsAreEventsAndTheRunGoesOnToItsCount) {
    NEEDS_COMMANDS(make_veth);
    DriveOptions options = options_for("veth0", 50);
    set_size(options, 1515);
    auto events = drive(options);
    EXPECT_TRUE(is_complete(events, 50));
    for (const DriveEvent& event : events) {
        EXPECT_EQ(event.ret, -1);
        EXPECT_EQ(event.err, EMSGSIZE);
    }
    NEEDS_COMMANDS("ip link set veth0 down");
    set_size(options, 60);
    events = drive(options);
    EXPECT_TRUE(is_complete(events, 50));
    for (const DriveEvent& event : events) EXPECT_EQ(event.err, ENETDOWN);
}

NETNS_TEST(DriveDriver, OnEthernetADgramSocketCannotSendWithoutAnAddress) {
    NEEDS_COMMANDS(make_veth);
    DriveOptions options = options_for("veth0", 1);
    options.socket.type = SocketType::dgram;
    options.socket.method = SendMethod::send;
    // The kernel's own answer first, so that the refusal stands for something.
    const auto sender = FrameSender::open(options.interface, options.socket, 60);
    ASSERT_TRUE(sender);
    const auto frame = one_frame(options.interface, 60);
    const FrameBytes bytes = frame;
    DriveEvent event;
    EXPECT_EQ((*sender)->send({&bytes, 1}, {&event, 1}).frames, 1U);
    EXPECT_EQ(event.ret, -1);
    EXPECT_EQ(event.err, EINVAL);
    const Status status = check_options(options);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::usage);
    EXPECT_FALSE(Driver(options).start());
}

NETNS_TEST(DriveDriver, WithoutTheCapabilityTheStartSaysWhatIsMissing) {
    const DriveOptions options = options_for("lo", 10);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);  // of this thread and those it starts
    Driver driver(options);
    const Status status = driver.start();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::not_allowed);
    EXPECT_NE(status.error().remedy.find("CAP_NET_RAW"), std::string::npos);
    EXPECT_TRUE(driver.finished());
    EXPECT_TRUE(driver.tids().empty());
}

NETNS_TEST(DriveDriver, AnInterfaceIsFoundInTheNamespaceOfTheThread) {
    const auto missing = find_interface("foo");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().what, "no interface 'foo' here; there are: lo");
    const auto lo = find_interface("lo").value();
    EXPECT_TRUE(check_usable(lo));
    NEEDS_COMMANDS("ip link add veth0 address 02:00:00:00:00:77 mtu 1400 type veth peer name veth1");
    const auto veth = find_interface("veth0").value();
    EXPECT_EQ(veth.mtu, 1400U);
    EXPECT_EQ(veth.address, (std::array<std::uint8_t, 6>{2, 0, 0, 0, 0, 0x77}));
    EXPECT_EQ(veth.netns_ino, lo.netns_ino);
    EXPECT_FALSE(check_usable(veth));
}

// Large frames that are to be cut into segments: veth takes them whole, and the peer gets them with the header's word.
NETNS_TEST(DriveDriver, SegmentationIsTakenByEveryMethodThatCanAskForIt) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    for (const FrameKind kind : {FrameKind::tcp, FrameKind::tcp6, FrameKind::udp, FrameKind::udp6})
        for (const SendMethod method : all_methods) {
            SCOPED_TRACE(std::string(frame_name(kind)) + " " + std::string(method_name(method)));
            DriveOptions options = options_for("veth0", 20);
            FrameSpec spec;
            spec.kind = kind;
            spec.size = {20'000, 20'000};
            spec.gso = 1400;
            options.frames = frames_of(veth, spec);
            options.socket.vnet_hdr = true;
            options.socket.method = method;
            const auto before = read_counters(veth).value();
            const auto events = drive(options);
            EXPECT_TRUE(is_complete(events, 20));
            for (const DriveEvent& event : events) {
                // Kernels before 6.2 know no VIRTIO_NET_HDR_GSO_UDP_L4.
                if (event.err == EINVAL && (kind == FrameKind::udp || kind == FrameKind::udp6)) continue;
                ASSERT_EQ(event.ret, is_ring(method) ? 20'000 : 20'010) << errno_text(event.err);
            }
            const std::uint64_t sent = read_counters(veth).value().tx_packets - before.tx_packets;
            EXPECT_EQ(sent,
                      std::count_if(events.begin(), events.end(), [](const auto& event) { return event.ret > 0; }));
        }
}

// Each size of a range, through each method, with the number where it belongs.
NETNS_TEST(DriveDriver, ARangeOfSizesIsSentByEveryMethod) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    for (const SendMethod method : all_methods) {
        SCOPED_TRACE(method_name(method));
        Receiver receiver;
        DriveOptions options = options_for("veth0", 300);
        FrameSpec spec;
        spec.size = {60, 159};
        options.frames = frames_of(veth, spec);
        options.socket.method = method;
        EXPECT_TRUE(is_complete(drive(options), 300));
        const auto frames = receiver.frames();
        ASSERT_EQ(frames.size(), 300U);
        for (const auto& frame : frames)
            ASSERT_EQ(frame.size(), 60 + (Receiver::word_at(frame.data(), cookie_offset + 8) - 1) % 100);
    }
}

// Frames that carry no number and have times of their own.
class TimedFrames final : public FrameSource {
  public:
    std::size_t longest() const override { return 70; }
    std::size_t shortest() const override { return shortest_; }
    std::size_t compose(std::uint64_t number, std::span<std::uint8_t> to) const override {
        const std::size_t size = shortest_ + (number - 1) % (71 - shortest_);
        std::fill_n(to.begin(), size, static_cast<std::uint8_t>(0x40));
        return size;
    }
    std::optional<Cookie> cookie() const override { return std::nullopt; }
    std::uint64_t due_ns(std::uint64_t number) const override { return (number - 1) * 20'000'000; }
    std::array<std::uint8_t, vnet_hdr_size> vnet_header() const override { return {}; }

    std::size_t shortest_ = 61;
};

NETNS_TEST(DriveDriver, AtTheirOwnTimesFramesLeaveWhenTheyAreDue) {
    NEEDS_COMMANDS(make_veth);
    DriveOptions options = options_for("veth0", 21);
    options.frames = std::make_shared<TimedFrames>();
    options.own_timing = true;
    for (const unsigned threads : {1U, 3U}) {
        options.threads = threads;
        auto events = drive(options);
        ASSERT_TRUE(is_complete(events, 21));
        std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
        for (const DriveEvent& event : events) {
            EXPECT_EQ(event.ret, 61 + static_cast<int>((event.number - 1) % 10));
            EXPECT_GE(event.before_ns, events[0].before_ns + (event.number - 1) * 20'000'000 - 5'000'000);
        }
        EXPECT_LT(events.back().before_ns - events[0].before_ns, 1'000'000'000U);
    }
    options.rate = 10;
    EXPECT_FALSE(check_options(options)) << "two schedules";
    options.rate = 0;
    options.socket.method = SendMethod::sendmmsg;
    EXPECT_FALSE(check_options(options)) << "a batch leaves at once";
    options.socket.batch = 1;
    EXPECT_TRUE(check_options(options));
}

// A file may hold anything: what is shorter than an Ethernet header is the kernel's to refuse, where it can be said at
// all.
NETNS_TEST(DriveDriver, FramesWithoutAWholeHeaderAreTheKernelsToRefuse) {
    NEEDS_COMMANDS(make_veth);
    const auto frames = std::make_shared<TimedFrames>();
    frames->shortest_ = 1;
    const auto veth = find_interface("veth0").value();
    for (const SocketOptions& socket : all_sockets(veth)) {
        SCOPED_TRACE(words_of(socket));
        DriveOptions options = options_for("veth0", 140);
        options.frames = frames;
        options.socket = socket;
        if (socket.type == SocketType::dgram) {
            EXPECT_FALSE(check_options(options));
            continue;
        }
        const auto before = read_counters(veth).value();
        const auto events = drive(options);
        EXPECT_TRUE(is_complete(events, 140));
        std::uint64_t sent = 0;
        for (const DriveEvent& event : events) sent += event.ret >= 0;
        EXPECT_EQ(read_counters(veth).value().tx_packets - before.tx_packets, sent);
        EXPECT_GE(sent, 2 * 57U);
    }
}

// Every combination that is refused, tried: so that the refusals stand for something.
NETNS_TEST(DriveDriver, WhatIsRefusedBeforehandTheKernelRefusesToo) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    std::size_t refused = 0;
    for (const SocketType type : all_types)
        for (const SendMethod method : all_methods)
            for (const bool bypass : {false, true})
                for (const bool vnet_hdr : {false, true}) {
                    const SocketOptions socket{type, method, bypass, vnet_hdr, 0};
                    if (check_socket(veth, socket)) continue;
                    SCOPED_TRACE(words_of(socket));
                    refused++;
                    const auto sender = FrameSender::open(veth, socket, 60);
                    if (!sender) continue;
                    const auto frame = one_frame(veth, 60);
                    const FrameBytes bytes = frame;
                    DriveEvent event;
                    EXPECT_EQ((*sender)->send({&bytes, 1}, {&event, 1}).frames, 1U);
                    EXPECT_EQ(event.ret, -1);
                }
    EXPECT_EQ(refused, 2U * 9 + 3 * 2 + 9 * 4 - 3);
    EXPECT_EQ(read_counters(veth).value().tx_packets, 0U);
}

TEST(DriveDriver, OptionsThatMakeNoSenseAreUsageErrors) {
    DriveOptions good;
    good.interface.name = "eth0";
    good.interface.hard_header_len = 14;
    set_size(good, default_frame_size);
    ASSERT_TRUE(check_options(good));
    const auto expect_usage = [&good](auto change) {
        DriveOptions options = good;
        change(options);
        const Status status = check_options(options);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().kind, ErrorKind::usage) << status.error().what;
    };
    expect_usage([](DriveOptions& options) { options.count = 0; });
    expect_usage([](DriveOptions& options) { options.rate = Pacer::max_rate + 1; });
    expect_usage([](DriveOptions& options) { options.threads = 0; });
    expect_usage([](DriveOptions& options) { options.threads = max_drive_threads + 1; });
    expect_usage([](DriveOptions& options) { options.interface.hard_header_len = 0; });
    expect_usage([](DriveOptions& options) { options.socket.batch = 8; });
    expect_usage([](DriveOptions& options) {
        options.socket.method = SendMethod::sendmmsg;
        options.socket.batch = max_batch + 1;
    });
    expect_usage([](DriveOptions& options) {
        options.socket.method = SendMethod::ring_v2;
        options.socket.batch = max_batch;
        set_size(options, max_frame_size);
        options.threads = 64;
    });
    for (const SendMethod method : {SendMethod::send, SendMethod::write, SendMethod::writev})
        for (const SocketType type : {SocketType::dgram, SocketType::packet})
            expect_usage([=](DriveOptions& options) { options.socket = {type, method, false, false, 0}; });
    expect_usage([](DriveOptions& options) {
        options.socket = {SocketType::dgram, SendMethod::sendto, false, true, 0};
    });
    expect_usage([](DriveOptions& options) {
        options.socket = {SocketType::packet, SendMethod::sendto, true, false, 0};
    });
    expect_usage([](DriveOptions& options) {
        options.socket = {SocketType::packet, SendMethod::ring_v1, false, false, 0};
    });
    expect_usage([](DriveOptions& options) {
        options.socket.type = SocketType::packet;
        options.interface.name = "fourteen-bytes";
    });
}

}  // namespace
}  // namespace sockray
