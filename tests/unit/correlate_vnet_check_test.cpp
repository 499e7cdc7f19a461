// The checks that a virtio-net header must pass, in the kernel's order: the kernel's own selftest psock_snd has some of
// them.
#include "user/correlate/vnet_check.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "tests/unit/correlate_records.h"

namespace sockray {
namespace {

struct Fields {
    std::uint8_t flags = 0, gso_type = 0;
    std::uint16_t hdr_len = 0, gso_size = 0, csum_start = 0, csum_offset = 0;
};

constexpr std::uint8_t needs_csum = 1;
constexpr std::uint8_t tcp_v4 = 1;
constexpr std::uint8_t tcp_v6 = 4;
constexpr std::uint8_t udp = 3;
constexpr std::uint8_t udp_l4 = 5;

sr_send with(const Fields& fields) {
    sr_send send = sample::refused(22);
    send.flags |= SR_SEND_VNET;
    send.vnet[0] = fields.flags;
    send.vnet[1] = fields.gso_type;
    std::size_t at = 2;
    for (const std::uint16_t word : {fields.hdr_len, fields.gso_size, fields.csum_start, fields.csum_offset}) {
        send.vnet[at++] = static_cast<std::uint8_t>(word);
        send.vnet[at++] = static_cast<std::uint8_t>(word >> 8);
    }
    return send;
}

std::string parsed(const Fields& fields, std::uint64_t length = 142) {
    return refused_vnet_header(with(fields), length, false);
}
std::string applied(const Fields& fields, std::uint64_t length = 142) {
    return refused_vnet_header(with(fields), length, true);
}

TEST(VnetHeader, ThatReachesBehindTheFrameIsToldByItsLength) {
    EXPECT_EQ(parsed({0, 0, 143}), "hdr_len 143 is more than the frame's 142 bytes");
    EXPECT_EQ(parsed({0, 0, 142}), "");
}

// psock_snd -v -c -C: the field is one byte beyond the packet's end.
TEST(VnetHeader, WhoseChecksumLiesBehindTheFrameIsToldByItsPlace) {
    EXPECT_EQ(
        parsed({needs_csum, 0, 42, 0, 135, 6}),
        "the checksum that it asks for (csum_start 135 + csum_offset 6 + 2 = 143) ends behind the frame's 142 bytes");
    EXPECT_EQ(parsed({needs_csum, 0, 42, 0, 134, 6}), "");
    EXPECT_EQ(parsed({0, 0, 42, 0, 135, 6}), "") << "not asked for";
}

// hdr_len has 16 bits, and the kernel raises it to the checksum's end in these.
TEST(VnetHeader, WhoseChecksumEndsBeyond16BitsPassesTheFirstCheckAndFailsTheSecond) {
    const Fields fields{needs_csum, 0, 42, 0, 65000, 600};
    EXPECT_EQ(parsed(fields), "");
    EXPECT_EQ(
        applied(fields),
        "the checksum that it asks for (csum_start 65000 + csum_offset 600 + 2 = 65602) ends behind the frame's 142 "
        "bytes");
}

TEST(VnetHeader, OfAnUnknownGsoTypeOrWithoutASizeIsToldByThem) {
    EXPECT_EQ(applied({0, 7, 42, 100}), "gso_type 7 is none that the kernel knows");
    EXPECT_EQ(applied({0, 0x80, 42, 100}), "gso_type 128 is none that the kernel knows");
    EXPECT_EQ(applied({0, udp, 42, 0}), "gso_type 3 (UDP) with gso_size 0");
    EXPECT_EQ(applied({0, 0x81, 42, 0}), "gso_type 129 (TCPV4) with gso_size 0");
}

TEST(VnetHeader, WhoseTransportHeaderDoesNotFitIsToldByItsBegin) {
    EXPECT_EQ(applied({needs_csum, tcp_v4, 42, 100, 130, 6}),
              "csum_start 130 and the transport header of 20 bytes end behind the frame's 142 bytes");
}

TEST(VnetHeader, WhoseChecksumIsNotThatOfItsProtocolIsToldByItsOffset) {
    EXPECT_EQ(applied({needs_csum, tcp_v4, 42, 100, 34, 6}),
              "csum_offset 6: gso_type 1 (TCPV4) wants that of a TCP header, 16");
    EXPECT_EQ(applied({needs_csum, udp_l4, 42, 100, 34, 16}),
              "csum_offset 16: gso_type 5 (UDP_L4) wants that of a UDP header, 6");
    EXPECT_EQ(applied({needs_csum, udp, 42, 100, 34, 6}), "");
}

TEST(VnetHeader, OfUdpSegmentsNeedsTheChecksumAndIsNoTcp) {
    EXPECT_EQ(applied({0, udp_l4, 42, 100}), "gso_type 5 (UDP_L4) without VIRTIO_NET_HDR_F_NEEDS_CSUM in flags 0");
    EXPECT_EQ(applied({needs_csum, udp_l4 | 0x80, 42, 100, 34, 6}),
              "gso_type 133 (UDP_L4) with VIRTIO_NET_HDR_GSO_ECN, which is of TCP");
    EXPECT_NE(applied({needs_csum, udp_l4, 42, 100, 34, 6}).find("UDP_MAX_SEGMENTS"), std::string::npos);
}

TEST(VnetHeader, OfTheKernelsOwnSizeIsToldSo) {
    EXPECT_EQ(applied({needs_csum, tcp_v4, 42, 0xffff, 34, 16}),
              "gso_size 65535 is the kernel's own mark (GSO_BY_FRAGS)");
}

TEST(VnetHeader, WithoutRoomForAnIpHeaderIsToldByItsBegin) {
    EXPECT_EQ(applied({needs_csum, 0, 42, 0, 10, 16}), "csum_start 10 leaves no room for an IP header of 20 bytes");
    EXPECT_EQ(applied({needs_csum, tcp_v6, 42, 100, 39, 16}),
              "csum_start 39 leaves no room for an IP header of 40 bytes");
}

TEST(VnetHeader, OfAFrameThatIsNoSuchPacketSaysWhichItShouldBe) {
    EXPECT_EQ(applied({0, tcp_v4, 42, 100}),
              "gso_type 1 (TCPV4), but the frame is no such packet, or ends within its headers");
}

// SOCK_DGRAM: the kernel builds the link-layer header, and the checksum's place counts from that.
TEST(VnetHeader, OfACookedSocketIsHeldAgainstTheFrameAsItWasBuilt) {
    sr_send send = with({needs_csum, 0, 42, 0, 148, 6});
    EXPECT_NE(refused_vnet_header(send, 142, true), "");
    send.sock_type = SOCK_DGRAM;
    EXPECT_EQ(refused_vnet_header(with({needs_csum, 0, 42, 0, 134, 6}), 142, true), "");
    send = with({needs_csum, 0, 42, 0, 134, 6});
    send.sock_type = SOCK_DGRAM;
    EXPECT_EQ(refused_vnet_header(send, 142, true), "");
}

}  // namespace
}  // namespace sockray
