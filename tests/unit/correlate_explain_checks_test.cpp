// One errno, several checks of the kernel: the sentence is of the one that the record points to, or names each.
#include <gtest/gtest.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "tests/unit/correlate_records.h"
#include "tests/unit/correlate_verdicts.h"
#include "user/correlate/explain.h"

namespace sockray {
namespace {

using namespace sample;

std::string why(const sr_send& send) {
    return explain_failure(send, Names());
}

// ---- ENETDOWN: sock_alloc_send_pskb tells of the bound interface, whatever the address names

sr_send error_of_the_socket(std::int32_t bound_ifindex) {
    sr_send send = failed_at_alloc(ENETDOWN);
    send.bound_ifindex = bound_ifindex;
    return send;
}

TEST(EnetdownOfTheSocket, IsOfTheInterfaceThatItIsBoundTo) {
    EXPECT_EQ(why(error_of_the_socket(3)),
              "ENETDOWN: veth0 is up now, but was down while the socket was bound to it: the socket kept the error");
}

TEST(EnetdownOfTheSocket, DoesNotBlameTheInterfaceThatTheAddressNames) {
    EXPECT_EQ(why(error_of_the_socket(7)),
              "ENETDOWN: interface 7, which the socket is bound to, is or was down: the socket kept the error");
    for (const std::int32_t unbound : {0, -1})
        EXPECT_EQ(why(error_of_the_socket(unbound)),
                  "ENETDOWN: the interface that the socket was bound to went down: the socket kept the error");
}

TEST(EnetdownBeforeTheAllocation, IsOfTheInterfaceThatTheCallNamed) {
    sr_send send = refused(ENETDOWN);
    send.bound_ifindex = 7;
    send.dev_flags = 0;
    EXPECT_EQ(why(send), "ENETDOWN: veth0 is down");
}

// ---- EMSGSIZE: the MTU, or (until 6.5) the pages of a frame

TEST(EmsgsizeOfTheAllocation, IsALackOfRoomForPagesWhateverTheMtu) {
    sr_send send = failed_at_alloc(EMSGSIZE);
    send.mtu = 100000;
    send.len = 80000;
    EXPECT_EQ(told(send),
              "failed in sock_alloc_send_pskb: EMSGSIZE: 80000 bytes need more pages than a frame can have "
              "(MAX_SKB_FRAGS)");
    send.mtu = 1500;  // with GSO the MTU counts for nothing
    send.vnet_hdr = 10;
    send.len = 80010;
    EXPECT_EQ(why(send), "EMSGSIZE: 80000 bytes need more pages than a frame can have (MAX_SKB_FRAGS)");
}

TEST(EmsgsizeOfAFrameThatTheMtuAllows, DoesNotContradictItself) {
    sr_send send = refused(EMSGSIZE);  // the hook on the allocation was skipped
    send.len = 1514;
    EXPECT_EQ(why(send), "EMSGSIZE: 1514 bytes are too many");
    send = failed_at_alloc(EMSGSIZE);
    send.span[SR_SLOT_ALLOC].end = 0;  // whether it gave a frame is not known
    send.len = 1515;
    EXPECT_EQ(told(send), "failed in packet_snd: EMSGSIZE: 1515 bytes, veth0 takes at most 1514 (MTU 1500 + 14)");
}

TEST(EmsgsizeOfTheMtu, CountsTheVlanTagWhereTheFrameWasRefusedUnseen) {
    sr_send send = refused(EMSGSIZE);
    send.len = 1519;
    EXPECT_EQ(why(send),
              "EMSGSIZE: 1519 bytes, veth0 takes at most 1514 (MTU 1500 + 14), and 4 more of a frame with a VLAN tag");
    send.sock_type = SOCK_DGRAM;
    EXPECT_EQ(why(send),
              "EMSGSIZE: 1519 bytes, veth0 takes at most 1500 (its MTU), and 4 more of a frame with a VLAN tag");
    send.dev_type = ARPHRD_NONE;  // packet_extra_vlan_len_allowed: on Ethernet only
    EXPECT_EQ(why(send), "EMSGSIZE: 1519 bytes, veth0 takes at most 1500 (its MTU)");
}

// Its tag was looked for, and it has none.
TEST(EmsgsizeOfTheMtu, CountsNoVlanTagWhereTheFrameWasSeen) {
    sr_send send = failed_behind_alloc(EMSGSIZE);
    send.len = 1518;
    EXPECT_EQ(why(send), "EMSGSIZE: 1518 bytes, veth0 takes at most 1514 (MTU 1500 + 14)");
}

TEST(EmsgsizeOfATxRing, IsOfTheDeviceOrOfTheFramesPlace) {
    sr_send send = refused(EMSGSIZE);
    send.flags |= SR_SEND_TX_RING;
    send.ring_len = 1519;
    EXPECT_EQ(why(send), "EMSGSIZE: a frame of the ring, of 1519 bytes, is longer than veth0 takes (MTU 1500 + 14)");
    send.vnet_hdr = 10;  // then the device is not asked
    EXPECT_EQ(why(send), "EMSGSIZE: a frame of the ring, of 1519 bytes, is longer than its place there");
    send.vnet_hdr = 0;
    send.ring_len = 1514;
    EXPECT_EQ(why(send), "EMSGSIZE: a frame of the ring, of 1514 bytes, is longer than its place there");
    send.ring_len = 1518;  // with a VLAN tag the device would take it
    EXPECT_EQ(why(send),
              "EMSGSIZE: a frame of the ring, of 1518 bytes, is longer than its place there, or than veth0 takes (MTU "
              "1500 + 14)");
}

// ---- EFAULT: the caller's memory, or the pages of a ring's frame

TEST(EfaultOfATxRing, IsALackOfRoomForPages) {
    sr_send send = failed_behind_alloc(EFAULT);
    send.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(why(send), "EFAULT: a frame of the ring needs more pages than a frame can have (MAX_SKB_FRAGS)");
    send.ring_len = 80000;
    EXPECT_EQ(why(send),
              "EFAULT: a frame of the ring, of 80000 bytes, needs more pages than a frame can have (MAX_SKB_FRAGS)");
}

// ---- EINVAL: a control message, the virtio-net header, or a frame without bytes

sr_send with_cmsg() {
    sr_send send = refused(EINVAL);
    send.msg_controllen = 24;
    return send;
}

TEST(EinvalOfAControlMessage, NamesTheVirtioNetHeaderTooWhereThatIsRefused) {
    sr_send send = with_cmsg();
    send.vnet_hdr = 10;
    send.len = 70;
    send.flags |= SR_SEND_VNET;
    EXPECT_EQ(why(send), "EINVAL: a control message (cmsg) was not understood");
    send.vnet[2] = 0x0f;
    send.vnet[3] = 0x27;
    EXPECT_EQ(
        why(send),
        "EINVAL: a control message (cmsg) was not understood, or the virtio-net header: hdr_len 9999 is more than "
        "the frame's 60 bytes");
    send.len = 9;
    EXPECT_EQ(
        why(send),
        "EINVAL: a control message (cmsg) was not understood, or 9 bytes are less than the virtio-net header of 10 "
        "that the socket expects");
}

TEST(EinvalOfAControlMessage, NamesTheVirtioNetHeaderTooWhereThatWasNotRead) {
    sr_send send = with_cmsg();
    send.vnet_hdr = 10;
    send.len = 70;
    EXPECT_EQ(why(send),
              "EINVAL: a control message (cmsg) was not understood, or the virtio-net header: __packet_snd_vnet_parse: "
              "hdr_len, or csum_start + csum_offset + 2, is more than the frame's length");
}

TEST(EinvalOfAControlMessage, OfATxRingIsNoneWhereAFrameWasMarkedAsMalformed) {
    sr_send send = with_cmsg();
    send.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(why(send), "EINVAL: a control message (cmsg) was not understood");
    send.ring_len = 60;
    EXPECT_EQ(why(send), "EINVAL: a frame of the ring, of 60 bytes, is malformed");
}

TEST(EinvalOfAControlMessage, OfSockPacketStandsBehindTheLength) {
    sr_send send = with_cmsg();
    make_spkt(send);
    EXPECT_EQ(why(send), "EINVAL: a control message (cmsg) was not understood");
    send.len = 13;
    EXPECT_EQ(why(send), "EINVAL: 13 bytes are less than the link-layer header of veth0 (14)");
}

TEST(EinvalOfAFrameWithoutBytes, SaysSoWhereTheInterfaceAddsNoHeader) {
    const std::string empty = "EINVAL: the frame has no bytes, and veth0 adds no header";
    sr_send send = failed_behind_alloc(EINVAL);
    send.len = 0;
    send.hard_header_len = 0;
    EXPECT_EQ(why(send), empty);
    sr_send cooked = send;
    cooked.sock_type = SOCK_DGRAM;
    EXPECT_EQ(why(cooked), empty);
    sr_send of_ring = send;
    of_ring.flags |= SR_SEND_TX_RING;
    of_ring.vnet_hdr = of_ring.ring_len = 10;
    EXPECT_EQ(why(of_ring), empty);
    make_spkt(send);
    EXPECT_EQ(why(send), empty);
}

// ---- unknown: which hook was skipped

TEST(ASkippedHook, IsThatOfTheAllocationWhereThatGaveNoFrame) {
    sr_send send = failed_at_alloc(0);
    send.ret = 60;
    send.span[SR_SLOT_ALLOC].end = 0;
    EXPECT_EQ(told(send), "unknown: the kernel skipped the hook on the return of sock_alloc_send_pskb");
    unpass(send, SR_SLOT_ALLOC);
    EXPECT_EQ(told(send), "unknown: the kernel skipped the hook on sock_alloc_send_pskb");
    make_spkt(send);  // allocates elsewhere
    EXPECT_EQ(told(send), "unknown: the kernel skipped the hook on __dev_queue_xmit or __dev_direct_xmit");
}

}  // namespace
}  // namespace sockray
