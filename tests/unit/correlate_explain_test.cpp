// Why a send was refused, in a sentence: all but for want of room (correlate_explain_room_test.cpp).
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>

#include "tests/unit/correlate_records.h"
#include "user/correlate/explain.h"
#include "user/correlate/outcome.h"

namespace sockray {
namespace {

using namespace sample;

std::string why(const sr_send& send) {
    return explain_failure(send, Names());
}

// ---- ENXIO, ENODEV: no device

TEST(Enxio, OfAnAddressNamesTheIndexThatDoesNotExist) {
    sr_send send = without_device(ENXIO);
    send.flags |= SR_SEND_ADDRESS;
    send.msg_namelen = 20;
    send.ifindex = 999;
    EXPECT_EQ(why(send), "ENXIO: there is no interface with index 999 in the sender's network namespace");
}

TEST(Enxio, OfAnUnboundSocketWithoutAnAddressSaysThatNobodyNamedAnInterface) {
    EXPECT_EQ(why(without_device(ENXIO)), "ENXIO: the socket is not bound to an interface and the call named none");
}

TEST(Enxio, OfABoundSocketSaysThatItsInterfaceIsGone) {
    sr_send send = without_device(ENXIO);
    send.bound_ifindex = send.ifindex = -1;  // net/packet/af_packet.c, packet_notifier
    EXPECT_EQ(why(send), "ENXIO: the interface that the socket was bound to is gone");
}

// packet_snd looks only at the address where there is one: the binding, alive and well, has no part in it.
TEST(Enxio, OfAnAddressWithoutAnInterfaceDoesNotBlameTheBinding) {
    sr_send send = without_device(ENXIO);
    send.flags |= SR_SEND_ADDRESS;
    send.msg_namelen = 20;
    send.ifindex = 0;
    send.bound_ifindex = 7;
    EXPECT_EQ(why(send).find("is gone"), std::string::npos) << why(send);
    EXPECT_EQ(why(send).find("index 7"), std::string::npos) << why(send);
}

TEST(Enodev, OfSockPacketNamesTheInterfaceThatItsAddressAskedFor) {
    sr_send send = without_device(ENODEV);
    make_spkt(send);
    send.flags |= SR_SEND_ADDRESS;
    set(send.ifname, "eth9");
    EXPECT_EQ(why(send).substr(0, 8), "ENODEV: ");
    EXPECT_NE(why(send).find("eth9"), std::string::npos) << why(send);
}

// ---- ENETDOWN

TEST(Enetdown, OfAnInterfaceThatIsDownSaysSo) {
    sr_send send = refused(ENETDOWN);
    send.dev_flags = 0;
    EXPECT_EQ(why(send), "ENETDOWN: veth0 is down");
}

TEST(Enetdown, BehindTheQdiscIsAStoppedQueue) {
    EXPECT_EQ(why(failed_in_xmit(ENETDOWN)), "ENETDOWN: veth0 did not take the frame: its queue is stopped");
}

// ---- EMSGSIZE

TEST(Emsgsize, NamesTheLengthAndTheMostThatTheInterfaceTakes) {
    sr_send send = refused(EMSGSIZE);
    send.len = 1515;
    EXPECT_EQ(why(send), "EMSGSIZE: 1515 bytes, veth0 takes at most 1514 (MTU 1500 + 14)");
}

TEST(Emsgsize, OfSockDgramCountsNoHeader) {
    sr_send send = refused(EMSGSIZE);
    send.sock_type = SOCK_DGRAM;
    send.len = 1501;
    EXPECT_EQ(why(send), "EMSGSIZE: 1501 bytes, veth0 takes at most 1500 (its MTU)");
}

TEST(Emsgsize, DoesNotCountTheVirtioNetHeaderBeforeTheFrame) {
    sr_send send = refused(EMSGSIZE);
    send.vnet_hdr = 10;
    send.len = 1525;
    EXPECT_EQ(why(send), "EMSGSIZE: 1515 bytes, veth0 takes at most 1514 (MTU 1500 + 14)");
}

TEST(Emsgsize, OnLoopbackNamesItsLargeMtu) {
    sr_send send = refused(EMSGSIZE);
    set(send.ifname, "lo");
    send.dev_type = ARPHRD_LOOPBACK;
    send.mtu = 65536;
    send.len = 70000;
    EXPECT_EQ(why(send), "EMSGSIZE: 70000 bytes, lo takes at most 65550 (MTU 65536 + 14)");
}

TEST(Emsgsize, WithoutADeviceStillSaysHowManyBytes) {
    sr_send send = without_device(EMSGSIZE);
    send.len = 2000;
    EXPECT_EQ(why(send), "EMSGSIZE: 2000 bytes are too many");
}

TEST(Emsgsize, OfAnInterfaceWithoutANameNamesItsIndex) {
    sr_send send = refused(EMSGSIZE);
    set(send.ifname, "");
    send.len = 1515;
    EXPECT_EQ(why(send), "EMSGSIZE: 1515 bytes, interface 3 takes at most 1514 (MTU 1500 + 14)");
}

// The lengths stand in the ring's frames; the call itself usually asks for 0 bytes, and the length of a frame that was
// refused is not known.
TEST(Emsgsize, OfATxRingDoesNotSpeakOfTheLengthOfTheCall) {
    sr_send send = ring();
    send.len = 0;
    explain(send, EMSGSIZE);
    unpass(send, SR_SLOT_XMIT);
    unpass(send, SR_SLOT_DRIVER);
    EXPECT_EQ(why(send).find("0 bytes, veth0"), std::string::npos) << why(send);
    EXPECT_NE(why(send).find("veth0"), std::string::npos) << why(send);
}

// ---- EINVAL: the checks of packet_snd in their order

TEST(Einval, OfAnAddressThatIsTooShortForASockaddrLl) {
    sr_send send = refused(EINVAL);
    send.msg_namelen = 12;
    EXPECT_EQ(why(send), "EINVAL: the address has 12 bytes, struct sockaddr_ll has 20");
}

TEST(Einval, OfAnAddressThatIsTooShortForItsHardwareAddress) {
    sr_send send = refused(EINVAL);
    send.msg_namelen = 20;
    send.sll_halen = 20;
    EXPECT_EQ(why(send), "EINVAL: the address has 20 bytes; with its hardware address of 20 it needs 32");
}

TEST(Einval, OfACookedSocketWhoseAddressIsTooShortForTheDevice) {
    sr_send send = refused(EINVAL);
    send.sock_type = SOCK_DGRAM;
    send.addr_len = 20;  // InfiniBand
    EXPECT_EQ(why(send), "EINVAL: the address has 20 bytes, too few for a hardware address of veth0");
}

TEST(Einval, OfAControlMessage) {
    sr_send send = refused(EINVAL);
    send.msg_controllen = 24;
    EXPECT_EQ(why(send), "EINVAL: a control message (cmsg) was not understood");
}

TEST(Einval, OfAFrameThatIsShorterThanItsVirtioNetHeader) {
    sr_send send = refused(EINVAL);
    send.vnet_hdr = 10;
    send.len = 9;
    EXPECT_EQ(why(send), "EINVAL: 9 bytes are less than the virtio-net header of 10 that the socket expects");
}

TEST(Einval, OfAVirtioNetHeaderThatWasNotReadNamesTheChecksItMayBe) {
    sr_send send = refused(EINVAL);
    send.vnet_hdr = 10;
    EXPECT_EQ(
        why(send),
        "EINVAL: the virtio-net header: __packet_snd_vnet_parse: hdr_len, or csum_start + csum_offset + 2, is more "
        "than the frame's length");
    send = failed_behind_alloc(EINVAL);
    send.vnet_hdr = 10;
    EXPECT_EQ(
        why(send),
        "EINVAL: the virtio-net header: one of virtio_net_hdr_to_skb's checks: gso_type unknown or not that of the "
        "frame, gso_size 0, or csum_start + csum_offset behind the frame's end");
}

TEST(Einval, OfAVirtioNetHeaderThatWasReadNamesItsFieldAndValue) {
    sr_send send = refused(EINVAL);
    send.vnet_hdr = 10;
    send.len = 70;
    send.flags |= SR_SEND_VNET;
    send.vnet[2] = 200;
    EXPECT_EQ(why(send), "EINVAL: the virtio-net header: hdr_len 200 is more than the frame's 60 bytes");
}

// The hook on the allocation was skipped: what the header says against the frame comes later.
TEST(Einval, OfAVirtioNetHeaderThatPassedTheFirstCheckIsALaterOneWhateverWasSeen) {
    sr_send send = refused(EINVAL);
    send.vnet_hdr = 10;
    send.len = 70;
    send.flags |= SR_SEND_VNET;
    send.vnet[1] = 7;
    EXPECT_EQ(why(send), "EINVAL: the virtio-net header: gso_type 7 is none that the kernel knows");
}

TEST(Einval, OfARingsFrameNamesItsLengthAndItsVirtioNetHeader) {
    sr_send send = refused(EINVAL);
    send.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(why(send), "EINVAL: a frame of the ring is malformed");
    send.ring_len = 60;
    EXPECT_EQ(why(send), "EINVAL: a frame of the ring, of 60 bytes, is malformed");
    send.vnet_hdr = 10;
    send.flags |= SR_SEND_VNET;
    send.vnet[2] = 51;
    EXPECT_EQ(why(send), "EINVAL: the virtio-net header: hdr_len 51 is more than the frame's 50 bytes");
    send.ring_len = 9;
    EXPECT_EQ(why(send), "EINVAL: a frame of the ring has 9 bytes, less than the virtio-net header of 10");
    send = failed_behind_alloc(EINVAL);
    send.flags |= SR_SEND_TX_RING;
    send.ring_len = 13;
    EXPECT_EQ(why(send), "EINVAL: a frame of the ring has 13 bytes, less than the link-layer header of veth0 (14)");
}

TEST(Einval, OfACookedSocketWithoutADestination) {
    sr_send send = failed_behind_alloc(EINVAL);
    send.sock_type = SOCK_DGRAM;
    send.flags &= ~SR_SEND_ADDRESS;
    send.msg_namelen = 0;
    EXPECT_EQ(why(send), "EINVAL: no destination address: SOCK_DGRAM needs one on veth0 to build the header");
}

TEST(Einval, OfARawFrameThatIsShorterThanItsHeader) {
    sr_send send = failed_behind_alloc(EINVAL);
    send.len = 13;
    EXPECT_EQ(why(send), "EINVAL: 13 bytes are less than the link-layer header of veth0 (14)");
    send = failed_behind_alloc(EINVAL);
    send.len = 0;
    EXPECT_EQ(why(send), "EINVAL: 0 bytes are less than the link-layer header of veth0 (14)");
}

// What the checks before the allocation look at is no reason any more behind it.
TEST(Einval, BehindTheAllocationDoesNotBlameWhatWasCheckedBefore) {
    sr_send send = failed_behind_alloc(EINVAL);
    send.len = 13;
    send.msg_controllen = 24;
    EXPECT_EQ(why(send), "EINVAL: 13 bytes are less than the link-layer header of veth0 (14)");
}

TEST(Einval, ThatNothingExplainsIsAdmitted) {
    EXPECT_EQ(why(refused(EINVAL)), "EINVAL: none of packet_snd's checks that are recorded explains it");
}

// net/packet/af_packet.c, packet_sendmsg_spkt: its address is a struct sockaddr_pkt of 18 bytes.
TEST(Einval, OfSockPacketDoesNotAskForASockaddrLl) {
    sr_send send = refused(EINVAL);
    make_spkt(send);
    send.len = 13;
    EXPECT_EQ(why(send).find("sockaddr_ll"), std::string::npos) << why(send);
}

TEST(Einval, OfATxRingDoesNotSpeakOfTheLengthOfTheCall) {
    sr_send send = ring();
    send.len = 0;
    explain(send, EINVAL);
    unpass(send, SR_SLOT_XMIT);
    unpass(send, SR_SLOT_DRIVER);
    EXPECT_EQ(why(send).find("0 bytes"), std::string::npos) << why(send);
}

// ---- the others

TEST(OtherErrors, AreExplainedWhereAf_packetGivesThemAMeaning) {
    EXPECT_EQ(why(failed_behind_alloc(EFAULT)), "EFAULT: the memory of the frame could not be read");
    EXPECT_EQ(why(refused(EPROTONOSUPPORT)), "EPROTONOSUPPORT: veth0 cannot send without a checksum (SO_NOFCS)");
    EXPECT_EQ(why(failed_at_alloc(EPIPE)), "EPIPE: the socket is shut down for sending");
    EXPECT_EQ(why(without_device(ENOTCONN)), "ENOTCONN: SOCK_PACKET needs an address that names the interface");
}

TEST(OtherErrors, EbusyOfARingIsThatOfARingThatIsNotThereAnyMore) {
    sr_send send = refused(EBUSY);
    EXPECT_EQ(why(send), "EBUSY: Device or resource busy");
    send.flags |= SR_SEND_TX_RING;
    EXPECT_EQ(why(send),
              "EBUSY: the TX ring was taken away while the call waited for it (PACKET_TX_RING without frames)");
}

TEST(OtherErrors, HaveTheTextOfTheirErrno) {
    EXPECT_EQ(why(refused(EPERM)), "EPERM: Operation not permitted");
    EXPECT_EQ(why(refused(ENOMEM)), "ENOMEM: Cannot allocate memory");
}

TEST(EveryErrno, GivesASentenceThatBeginsWithItsName) {
    for (int err = 1; err < 600; err++)
        for (const sr_send& send : {refused(err), failed_at_alloc(err), failed_behind_alloc(err), failed_in_xmit(err),
                                    failed_in_driver(err), without_device(err)}) {
            const std::string sentence = why(send);
            ASSERT_TRUE(sentence.starts_with(errno_name(err) + ": ")) << sentence;
            ASSERT_GT(sentence.size(), errno_name(err).size() + 2) << err;
        }
}

// Decoding promises nothing of a return value: no number breaks the arithmetic.
TEST(EveryReturnValue, GivesASentence) {
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    for (const std::int64_t ret :
         {std::int64_t{-4096}, std::int64_t{-70000}, std::int64_t{INT32_MIN}, least, least + 1}) {
        sr_send send = failed_at_alloc(0);
        send.ret = ret;
        EXPECT_NE(why(send), "") << ret;
        EXPECT_EQ(judge(send_of(send), plan(), Names()).outcome, Outcome::failed) << ret;
    }
}

}  // namespace
}  // namespace sockray
