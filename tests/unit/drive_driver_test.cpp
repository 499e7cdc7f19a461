// The driver's threads: what they send together, when they stop, what they refuse. In network namespaces made for each
// test; skipped without the privileges.
#include "user/drive/driver.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>
#include <vector>

#include "tests/unit/drive_network.h"
#include "user/base/clock.h"
#include "user/drive/pacer.h"

namespace sockray {
namespace {

using namespace driving;
using namespace std::chrono_literals;

NETNS_TEST(DriveDriver, TenThousandSendsAreTenThousandEventsFramesAndPackets) {
    Arrivals arrivals;
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
    const auto frames = arrivals.frames();
    ASSERT_EQ(frames.size(), 10'000U);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        ASSERT_EQ(frames[i].size(), 60U);
        ASSERT_EQ(word_at(frames[i].data(), cookie_offset + 8), i + 1);
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
