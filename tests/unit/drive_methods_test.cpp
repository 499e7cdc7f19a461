// Each way to send through lo and veth, in network namespaces made for each test. Skipped without the privileges.
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>
#include <vector>

#include "tests/unit/drive_network.h"

namespace sockray {
namespace {

using namespace driving;

NETNS_TEST(DriveMethods, EachSocketTypeAndMethodSendsTheSameFrames) {
    const auto lo = find_interface("lo").value();
    EXPECT_EQ(all_sockets(lo).size(), 9U * 4 + 9U * 2 + 3U);
    for (const SocketOptions& socket : all_sockets(lo)) {
        SCOPED_TRACE(words_of(socket));
        Arrivals arrivals;
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
        const auto frames = arrivals.frames();
        std::set<std::uint64_t> numbers;  // a thread that moves to another CPU overtakes its own frames on lo
        for (const auto& frame : frames) {
            ASSERT_EQ(frame.size(), 200U);
            numbers.insert(word_at(frame.data(), cookie_offset + 8));
        }
        EXPECT_EQ(frames.size(), 100U);
        // A frame that comes from a ring and passed no tap is not copied on lo: its receiver reads the slot itself, and
        // what stands there by then is a later frame.
        const bool shared = is_ring(socket.method) && socket.bypass;
        EXPECT_TRUE(shared || numbers.size() == 100) << numbers.size();
    }
}

NETNS_TEST(DriveMethods, WhatEachMethodSaysItSentIsWhatTheDeviceCounts) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    for (const SocketOptions& socket : all_sockets(veth)) {
        SCOPED_TRACE(words_of(socket));
        Arrivals arrivals;
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
        for (const auto& frame : arrivals.frames()) numbers.insert(word_at(frame.data(), cookie_offset + 8));
        EXPECT_EQ(numbers.size(), 1000U);
    }
}

NETNS_TEST(DriveMethods, ACallOfSeveralFramesGivesAllOfThemItsTimes) {
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
NETNS_TEST(DriveMethods, FramesThatARingRefusesAreWrongFormat) {
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

NETNS_TEST(DriveMethods, ADownInterfaceFailsEachSendOfEachMethod) {
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
NETNS_TEST(DriveMethods, AFullQdiscFailsTheFramesThatItDoesNotTake) {
    NEEDS_COMMANDS(make_veth);
    for (const SendMethod method : send_methods) {
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
NETNS_TEST(DriveMethods, ARingsCallThatFailsSaysWhichFramesItTookAllTheSame) {
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

NETNS_TEST(DriveMethods, WithAVnetHeaderTheKernelTakesItOffAgain) {
    NEEDS_COMMANDS(make_veth);
    Arrivals arrivals;
    DriveOptions options = options_for("veth0", 1);
    drive(options);
    options.socket.vnet_hdr = true;
    for (const SendMethod method : send_methods) {
        options.socket.method = method;
        drive(options);
    }
    const auto frames = arrivals.frames();
    ASSERT_EQ(frames.size(), 10U);
    for (const auto& frame : frames) EXPECT_EQ(frame, frames[0]);
}

NETNS_TEST(DriveMethods, OnEthernetTheKernelBuildsTheSameHeaderForDgram) {
    NEEDS_COMMANDS(make_veth);
    for (const SendMethod method : {SendMethod::sendto, SendMethod::sendmsg}) {
        Arrivals arrivals;
        DriveOptions options = options_for("veth0", 1);
        options.socket.method = method;
        drive(options);
        options.socket.type = SocketType::dgram;
        drive(options);
        const auto frames = arrivals.frames();
        ASSERT_EQ(frames.size(), 2U);
        EXPECT_EQ(frames[0], frames[1]);
    }
}

NETNS_TEST(DriveMethods, OnEthernetADgramSocketCannotSendWithoutAnAddress) {
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

// Every combination that is refused, tried: so that the refusals stand for something.
NETNS_TEST(DriveMethods, WhatIsRefusedBeforehandTheKernelRefusesToo) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    std::size_t refused = 0;
    for (const SocketType type : all_types)
        for (const SendMethod method : send_methods)
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

}  // namespace
}  // namespace sockray
