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
#include <set>
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

constexpr const char* make_veth =
    "ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up";

DriveOptions options_for(const char* name, std::uint64_t count) {
    DriveOptions options;
    options.interface = find_interface(name).value();
    options.count = count;
    options.cookie_magic = magic;
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
    return events.size() == count && numbers.size() == count && *numbers.begin() == 1 &&
           *numbers.rbegin() == count;
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
            if (size < static_cast<ssize_t>(min_frame_size) || from.sll_pkttype == PACKET_OUTGOING) continue;
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

NETNS_TEST(DriveDriver, EachSocketTypeAndMethodSendsTheSameFrames) {
    for (const SocketType type : {SocketType::raw, SocketType::dgram}) {
        for (const SendMethod method : {SendMethod::sendto, SendMethod::send, SendMethod::sendmsg}) {
            SCOPED_TRACE(testing::Message() << "socket type " << static_cast<int>(type) << ", method "
                                            << static_cast<int>(method));
            Receiver receiver;
            DriveOptions options = options_for("lo", 100);
            options.socket_type = type;
            options.method = method;
            options.frame_size = 200;
            const auto events = drive(options);
            EXPECT_TRUE(is_complete(events, 100));
            for (const DriveEvent& event : events) ASSERT_EQ(event.ret, type == SocketType::raw ? 200 : 186);
            const auto frames = receiver.frames();
            EXPECT_EQ(frames.size(), 100U);
            for (const auto& frame : frames) ASSERT_EQ(frame.size(), 200U);
        }
    }
}

NETNS_TEST(DriveDriver, OnEthernetTheKernelBuildsTheSameHeaderForDgram) {
    NEEDS_COMMANDS(make_veth);
    for (const SendMethod method : {SendMethod::sendto, SendMethod::sendmsg}) {
        Receiver receiver;
        DriveOptions options = options_for("veth0", 1);
        options.method = method;
        drive(options);
        options.socket_type = SocketType::dgram;
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

NETNS_TEST(DriveDriver, TheRateIsKept) {
    for (const unsigned threads : {1U, 3U}) {
        DriveOptions options = options_for("lo", 2001);
        options.rate = 4000;
        options.threads = threads;
        const auto events = drive(options);
        ASSERT_TRUE(is_complete(events, 2001));
        const auto [first, last] =
            std::minmax_element(events.begin(), events.end(),
                                [](const auto& a, const auto& b) { return a.before_ns < b.before_ns; });
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
    options.frame_size = 1514;
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
    options.frame_size = 1515;
    auto events = drive(options);
    EXPECT_TRUE(is_complete(events, 50));
    for (const DriveEvent& event : events) {
        EXPECT_EQ(event.ret, -1);
        EXPECT_EQ(event.err, EMSGSIZE);
    }
    NEEDS_COMMANDS("ip link set veth0 down");
    options.frame_size = 60;
    events = drive(options);
    EXPECT_TRUE(is_complete(events, 50));
    for (const DriveEvent& event : events) EXPECT_EQ(event.err, ENETDOWN);
}

NETNS_TEST(DriveDriver, OnEthernetADgramSocketCannotSendWithoutAnAddress) {
    NEEDS_COMMANDS(make_veth);
    DriveOptions options = options_for("veth0", 1);
    options.socket_type = SocketType::dgram;
    options.method = SendMethod::send;
    // The kernel's own answer first, so that the refusal stands for something.
    const auto socket = PacketSocket::open(options.interface, options.socket_type, options.method);
    ASSERT_TRUE(socket);
    EXPECT_EQ(socket->send(build_frame(options.interface, 60, magic)), -1);
    EXPECT_EQ(errno, EINVAL);
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

TEST(DriveDriver, OptionsThatMakeNoSenseAreUsageErrors) {
    DriveOptions good;
    good.interface.name = "eth0";
    good.interface.hard_header_len = 14;
    good.cookie_magic = magic;
    ASSERT_TRUE(check_options(good));
    const auto expect_usage = [&good](auto change) {
        DriveOptions options = good;
        change(options);
        const Status status = check_options(options);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().kind, ErrorKind::usage) << status.error().what;
    };
    expect_usage([](DriveOptions& options) { options.count = 0; });
    expect_usage([](DriveOptions& options) { options.frame_size = 29; });
    expect_usage([](DriveOptions& options) { options.rate = Pacer::max_rate + 1; });
    expect_usage([](DriveOptions& options) { options.threads = 0; });
    expect_usage([](DriveOptions& options) { options.threads = max_drive_threads + 1; });
    expect_usage([](DriveOptions& options) { options.interface.hard_header_len = 0; });
}

}  // namespace
}  // namespace sockray
