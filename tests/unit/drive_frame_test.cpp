#include "user/drive/frame.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace sockray {
namespace {

constexpr std::uint64_t magic = 0x1122334455667788;
constexpr FrameKind all_kinds[] = {FrameKind::ethernet, FrameKind::arp,  FrameKind::ipv4, FrameKind::ipv6,
                                   FrameKind::udp,      FrameKind::udp6, FrameKind::tcp,  FrameKind::tcp6};

using Bytes = std::vector<std::uint8_t>;

Interface some_interface() {
    Interface interface;
    interface.address = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
    return interface;
}

std::shared_ptr<const FrameSource> frames_of(const FrameSpec& spec) {
    return make_frames(some_interface(), spec, magic).value();
}

Bytes frame_of(const FrameSpec& spec, std::uint64_t number = 1) {
    const auto frames = frames_of(spec);
    Bytes frame(frames->longest());
    frame.resize(frames->compose(number, frame));
    return frame;
}

std::uint64_t word_at(const Bytes& frame, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, frame.data() + offset, sizeof word);
    return word;
}

unsigned at16(const Bytes& frame, std::size_t offset) {
    return frame[offset] * 256U + frame[offset + 1];
}

Bytes part(const Bytes& frame, std::size_t offset, std::size_t size) {
    return {frame.begin() + static_cast<std::ptrdiff_t>(offset),
            frame.begin() + static_cast<std::ptrdiff_t>(offset + size)};
}

// RFC 1071 over big-endian words; an odd last byte is padded.
std::uint32_t sum_of(const Bytes& bytes, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 ? bytes[i] : bytes[i] * 256U;
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

// 0xffff where the checksum of a UDP or TCP frame is right.
std::uint32_t transport_sum(const Bytes& frame, bool v6, unsigned protocol, std::size_t network = 14) {
    const std::size_t transport = network + (v6 ? 40 : 20);
    const Bytes addresses = v6 ? part(frame, network + 8, 32) : part(frame, network + 12, 8);
    const Bytes rest = part(frame, transport, frame.size() - transport);
    return sum_of(rest, sum_of(addresses, static_cast<std::uint32_t>(rest.size()) + protocol));
}

TEST(DriveFrame, OfEthernetBeginsWithAHeaderFromTheInterface) {
    const Bytes frame = frame_of({});
    ASSERT_EQ(frame.size(), 60U);
    EXPECT_EQ(part(frame, 0, 14),
              (Bytes{0x02, 's', 'o', 'c', 'k', 'r', 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x88, 0xb5}));
    EXPECT_EQ(frames_of({})->cookie()->offset, 14U);
    for (std::size_t i = 30; i < frame.size(); ++i) ASSERT_EQ(frame[i], i);
}

TEST(DriveFrame, OfEachTemplateCarriesMagicAndNumberBehindItsHeaders) {
    const std::size_t headers[] = {14, 42, 34, 54, 42, 62, 54, 74};
    for (const FrameKind kind : all_kinds)
        for (const bool tagged : {false, true}) {
            SCOPED_TRACE(frame_name(kind));
            FrameSpec spec;
            spec.kind = kind;
            if (tagged) spec.vlan = 7;
            const std::size_t offset = headers[static_cast<std::size_t>(kind)] + (tagged ? 4 : 0);
            const auto cookie = frames_of(spec)->cookie();
            ASSERT_TRUE(cookie);
            EXPECT_EQ(cookie->magic, magic);
            EXPECT_EQ(cookie->offset, offset);
            const Bytes frame = frame_of(spec, 0xfedcba9876543210);
            EXPECT_EQ(frame.size(), std::max<std::size_t>(60, offset + 16));
            EXPECT_EQ(word_at(frame, offset), magic);
            EXPECT_EQ(word_at(frame, offset + 8), 0xfedcba9876543210U);
        }
}

TEST(DriveFrame, OfArpAsksForTheDestination) {
    FrameSpec spec;
    spec.kind = FrameKind::arp;
    spec.source = "10.1.2.3";
    spec.destination = "10.1.2.4";
    EXPECT_EQ(part(frame_of(spec), 12, 30), (Bytes{8,    6,  0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0x11, 0x22, 0x33, 0x44,
                                                   0x55, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0,    10,   1,    2,    4}));
}

TEST(DriveFrame, OfIpHasAddressesLengthsAndAHeaderChecksum) {
    for (const std::size_t size : {60U, 61U, 1514U, 65549U}) {
        FrameSpec spec;
        spec.kind = FrameKind::ipv4;
        spec.size = {size, size};
        spec.source = "10.1.2.3";
        const Bytes v4 = frame_of(spec);
        EXPECT_EQ(at16(v4, 12), 0x0800U);
        EXPECT_EQ(v4[14], 0x45);
        EXPECT_EQ(at16(v4, 16), size - 14);
        EXPECT_EQ(v4[23], 253);
        EXPECT_EQ(part(v4, 26, 8), (Bytes{10, 1, 2, 3, 192, 0, 2, 2}));
        EXPECT_EQ(sum_of(part(v4, 14, 20)), 0xffffU);
    }
    FrameSpec spec;
    spec.kind = FrameKind::ipv6;
    spec.destination = "fe80::9";
    const Bytes v6 = frame_of(spec);
    EXPECT_EQ(at16(v6, 12), 0x86ddU);
    EXPECT_EQ(at16(v6, 18), v6.size() - 54);
    EXPECT_EQ(v6[20], 253);
    EXPECT_EQ(part(v6, 22, 4), (Bytes{0x20, 0x01, 0x0d, 0xb8}));
    EXPECT_EQ(v6[53], 9);
}

TEST(DriveFrame, OfUdpAndTcpHasPortsAndARightChecksumWhateverItsNumber) {
    for (const FrameKind kind : {FrameKind::udp, FrameKind::udp6, FrameKind::tcp, FrameKind::tcp6}) {
        SCOPED_TRACE(frame_name(kind));
        const bool v6 = kind == FrameKind::udp6 || kind == FrameKind::tcp6;
        const bool udp = kind == FrameKind::udp || kind == FrameKind::udp6;
        FrameSpec spec;
        spec.kind = kind;
        spec.size = {90, 131};
        spec.source_port = 1000;
        spec.destination_port = 53;
        for (std::uint64_t number = 1; number < 100'000; number += 7) {
            const Bytes frame = frame_of(spec, number * number * 0x9e3779b97f4a7c15);
            ASSERT_EQ(transport_sum(frame, v6, udp ? 17 : 6), 0xffffU) << number;
            if (number > 200) number += 5000;
        }
        const Bytes frame = frame_of(spec);
        const std::size_t transport = v6 ? 54 : 34;
        EXPECT_EQ(at16(frame, transport), 1000U);
        EXPECT_EQ(at16(frame, transport + 2), 53U);
        EXPECT_TRUE(!udp || at16(frame, transport + 4) == frame.size() - transport);
    }
}

// 65,536 numbers go through every value of the sum: 0 would mean that there is no checksum.
TEST(DriveFrame, OfUdpNeverHasAChecksumOfZero) {
    FrameSpec spec;
    spec.kind = FrameKind::udp;
    const auto frames = frames_of(spec);
    Bytes frame(frames->longest());
    for (std::uint64_t number = 1; number <= 65536; ++number) {
        frames->compose(number, frame);
        ASSERT_NE(at16(frame, 40), 0U) << number;
        ASSERT_TRUE(at16(frame, 40) != 0xffff || transport_sum(frame, false, 17) == 0xffff);
    }
}

TEST(DriveFrame, WithAVlanHasItsTagBehindTheAddresses) {
    FrameSpec spec;
    spec.vlan = 4094;
    EXPECT_EQ(part(frame_of(spec), 12, 6), (Bytes{0x81, 0x00, 0x0f, 0xfe, 0x88, 0xb5}));
    spec.kind = FrameKind::udp6;
    const Bytes frame = frame_of(spec);
    EXPECT_EQ(part(frame, 12, 6), (Bytes{0x81, 0x00, 0x0f, 0xfe, 0x86, 0xdd}));
    EXPECT_EQ(transport_sum(frame, true, 17, 18), 0xffffU);
}

TEST(DriveFrame, TakesTheEthernetAddressesThatItIsGiven) {
    FrameSpec spec;
    spec.source_mac = parse_mac("02:00:00:00:00:01").value();
    spec.destination_mac = parse_mac("FF:ff:FF:ff:FF:ff").value();
    EXPECT_EQ(part(frame_of(spec), 0, 12), (Bytes{255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1}));
}

TEST(DriveFrame, SizesGoUpByOneAndBeginAgain) {
    for (const FrameKind kind : all_kinds) {
        FrameSpec spec;
        spec.kind = kind;
        spec.size = {100, 103};
        const auto frames = frames_of(spec);
        EXPECT_EQ(frames->shortest(), 100U);
        EXPECT_EQ(frames->longest(), 103U);
        for (std::uint64_t number = 1; number <= 10; ++number)
            EXPECT_EQ(frame_of(spec, number).size(), 100 + (number - 1) % 4);
    }
}

TEST(DriveFrame, ForSegmentationHasTheSumOfItsPseudoHeaderAndAHeaderForTheDevice) {
    FrameSpec spec;
    spec.kind = FrameKind::udp;
    spec.size = {2000, 2000};
    spec.gso = 700;
    Bytes frame = frame_of(spec);
    const Bytes vnet = [&] {
        const auto header = frames_of(spec)->vnet_header();
        return Bytes(header.begin(), header.end());
    }();
    // flags NEEDS_CSUM, UDP_L4; hdr_len 58, gso_size 700, csum_start 34, csum_offset 6
    EXPECT_EQ(vnet, (Bytes{1, 5, 58, 0, 0xbc, 2, 34, 0, 6, 0}));
    // What a device makes of it: the sum of everything from csum_start, the field included, complemented, in the field.
    const std::uint32_t sum = 0xffff - sum_of(part(frame, 34, frame.size() - 34));
    frame[40] = static_cast<std::uint8_t>(sum >> 8);
    frame[41] = static_cast<std::uint8_t>(sum);
    EXPECT_EQ(transport_sum(frame, false, 17), 0xffffU);
}

TEST(DriveFrame, WithoutSegmentationAsksNothingOfTheDevice) {
    EXPECT_EQ(frames_of({})->vnet_header(), (std::array<std::uint8_t, vnet_hdr_size>{}));
}

TEST(DriveFrame, SizeIsBoundedByHeadersAndNumberAndByWhatASocketTakes) {
    const auto is_good = [](FrameKind kind, std::size_t least, std::size_t most) {
        FrameSpec spec;
        spec.kind = kind;
        spec.size = {least, most};
        return check_frame(spec).has_value();
    };
    EXPECT_FALSE(is_good(FrameKind::ethernet, 29, 29));
    EXPECT_TRUE(is_good(FrameKind::ethernet, 30, 30));
    EXPECT_TRUE(is_good(FrameKind::ethernet, 1515, 1515)) << "over an MTU is the kernel's to refuse";
    EXPECT_TRUE(is_good(FrameKind::ethernet, 65549, 65549));
    EXPECT_FALSE(is_good(FrameKind::ethernet, 65549, 65550));
    EXPECT_FALSE(is_good(FrameKind::ethernet, 100, 99));
    EXPECT_FALSE(is_good(FrameKind::tcp6, 89, 100));
    EXPECT_TRUE(is_good(FrameKind::tcp6, 90, 100));
    EXPECT_FALSE(is_good(FrameKind::ethernet, SIZE_MAX, SIZE_MAX));
}

TEST(DriveFrame, TooShortIsAUsageErrorThatSaysWhatTheBytesAreFor) {
    FrameSpec spec;
    spec.size = {29, 29};
    const Status status = check_frame(spec);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::usage);
    EXPECT_EQ(
        status.error().what,
        "a frame of 29 bytes is too short: the template ethernet needs at least 30, 14 of headers and 16 that carry "
        "the send's number");
}

TEST(DriveFrame, RefusesWhatATemplateHasNoPlaceFor) {
    const auto expect_refused = [](auto change) {
        FrameSpec spec;
        change(spec);
        const Status status = check_frame(spec);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().kind, ErrorKind::usage) << status.error().what;
        EXPECT_FALSE(make_frames(some_interface(), spec, magic));
    };
    expect_refused([](FrameSpec& spec) { spec.source = "10.0.0.1"; });
    expect_refused([](FrameSpec& spec) { spec.destination_port = 1; });
    expect_refused([](FrameSpec& spec) { spec.gso = 100; });
    expect_refused([](FrameSpec& spec) { spec.vlan = 0; });
    expect_refused([](FrameSpec& spec) { spec.vlan = 4095; });
    expect_refused([](FrameSpec& spec) { spec.kind = FrameKind::arp, spec.source_port = 1; });
    expect_refused([](FrameSpec& spec) { spec.kind = FrameKind::ipv4, spec.gso = 100; });
    for (const char* text : {"::1", "1.2.3", "1.2.3.4.5", "host", "1.2.3.256", "1.2.3.4 "})
        expect_refused([=](FrameSpec& spec) { spec.kind = FrameKind::udp, spec.source = text; });
    for (const char* text : {"1.2.3.4", ":::", "fe80::1%lo", "g::"})
        expect_refused([=](FrameSpec& spec) { spec.kind = FrameKind::udp6, spec.destination = text; });
}

TEST(DriveFrame, MagicIsNeverZeroAndDiffersFromRunToRun) {
    const auto one = random_cookie_magic();
    const auto two = random_cookie_magic();
    ASSERT_TRUE(one && two);
    EXPECT_NE(*one, 0U);
    EXPECT_NE(*one, *two);
    EXPECT_FALSE(make_frames(some_interface(), {}, 0)) << "0 marks frames that are not sockray's";
}

TEST(AnEthernetAddress, IsSixHexadecimalBytesWithColons) {
    EXPECT_EQ(parse_mac("0a:1B:ff:00:00:01").value(), (MacAddress{0x0a, 0x1b, 0xff, 0, 0, 1}));
    for (const char* text : {"", "0a:1b:ff:00:00", "0a:1b:ff:00:00:01:02", "0a-1b-ff-00-00-01", "0a:1b:ff:00:00:0g",
                             "0a:1b:ff:00:00:1 ", "+a:1b:ff:00:00:01", "0x:1b:ff:00:00:01", "a:1:f:0:0:1"})
        EXPECT_FALSE(parse_mac(text)) << text;
}

TEST(ASizeRange, IsANumberOrTwo) {
    EXPECT_EQ(parse_sizes("60")->least, 60U);
    EXPECT_EQ(parse_sizes("60")->most, 60U);
    EXPECT_EQ(parse_sizes("60-1514")->most, 1514U);
    for (const char* text : {"", "-", "60-", "-60", "60-70-80", "0", "0-60", "6 0", "60-x", "99999999999999999999"})
        EXPECT_FALSE(parse_sizes(text)) << text;
}

}  // namespace
}  // namespace sockray
