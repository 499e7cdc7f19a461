// What frames the driver sends, and when, in network namespaces made for each test. Skipped without the privileges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "tests/unit/drive_network.h"

namespace sockray {
namespace {

using namespace driving;

// Large frames that are to be cut into segments: veth takes them whole, and the peer gets them with the header's word.
NETNS_TEST(DriveSentFrames, SegmentationIsTakenByEveryMethodThatCanAskForIt) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    for (const FrameKind kind : {FrameKind::tcp, FrameKind::tcp6, FrameKind::udp, FrameKind::udp6})
        for (const SendMethod method : send_methods) {
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
NETNS_TEST(DriveSentFrames, ARangeOfSizesIsSentByEveryMethod) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    for (const SendMethod method : send_methods) {
        SCOPED_TRACE(method_name(method));
        Arrivals arrivals;
        DriveOptions options = options_for("veth0", 300);
        FrameSpec spec;
        spec.size = {60, 159};
        options.frames = frames_of(veth, spec);
        options.socket.method = method;
        EXPECT_TRUE(is_complete(drive(options), 300));
        const auto frames = arrivals.frames();
        ASSERT_EQ(frames.size(), 300U);
        for (const auto& frame : frames)
            ASSERT_EQ(frame.size(), 60 + (word_at(frame.data(), cookie_offset + 8) - 1) % 100);
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

NETNS_TEST(DriveSentFrames, AtTheirOwnTimesFramesLeaveWhenTheyAreDue) {
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
NETNS_TEST(DriveSentFrames, FramesWithoutAWholeHeaderAreTheKernelsToRefuse) {
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

}  // namespace
}  // namespace sockray
