// What sock_diag tells of a packet socket, from bytes to what is known of it.
#include "user/probe/packet_diag.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <linux/if_packet.h>

#include "tests/unit/packet_diag_message.h"

namespace sockray {
namespace {

constexpr std::uint32_t netns = 4026532201;

SystemSocket listed() {
    return parse_proc_net_packet("a 3 3 88b5 4 1 1536 1000 99", netns).at(0);
}

constexpr packet_diag_info basics{5, TPACKET_V3, 64, 300, 8, PDI_RUNNING | PDI_AUXDATA | PDI_LOSS | PDI_VNETHDR};
constexpr std::array<std::uint32_t, SK_MEMINFO_VARS> meminfo{2304, 50000, 768, 70000, 1, 2, 3, 4, 12};

SystemSocket told(const PacketDiagMessage& message, SystemSocket socket = listed()) {
    const auto decoded = decode_packet_diag(message.bytes());
    EXPECT_TRUE(decoded);
    if (decoded) add_packet_diag(*decoded, socket);
    return socket;
}

TEST(PacketDiag, AddsWhatProcDoesNotTell) {
    const SystemSocket socket = told(PacketDiagMessage()
                                         .with(PACKET_DIAG_INFO, basics)
                                         .with(PACKET_DIAG_RX_RING, packet_diag_ring{65536, 2, 2048, 64, 77, 0, 0})
                                         .with(PACKET_DIAG_TX_RING, packet_diag_ring{4096, 5, 1024, 20, 9, 9, 9})
                                         .with(PACKET_DIAG_FANOUT, std::uint32_t{PACKET_FANOUT_CPU << 16 | 4242})
                                         .with(PACKET_DIAG_MEMINFO, meminfo));
    EXPECT_EQ(socket.source, Source::sock_diag);
    const sr_socket_entry& entry = socket.entry;
    EXPECT_EQ(entry.ifindex, 5);
    EXPECT_EQ(entry.flags, SR_PACKET_RUNNING | SR_PACKET_AUXDATA | SR_PACKET_LOSS | SR_PACKET_FANOUT);
    EXPECT_TRUE(socket.vnet_hdr);
    EXPECT_EQ(entry.tp_version, static_cast<std::uint32_t>(TPACKET_V3));
    EXPECT_EQ(entry.tp_reserve, 64U);
    EXPECT_EQ(entry.copy_thresh, 300);
    EXPECT_EQ(entry.tp_tstamp, 8U);
    EXPECT_EQ(entry.rx_ring.block_nr, 2U);
    EXPECT_EQ(entry.rx_ring.block_size, 65536U);
    EXPECT_EQ(entry.rx_ring.frame_nr, 64U);
    EXPECT_EQ(entry.rx_ring.frame_size, 2048U);
    EXPECT_EQ(entry.retire_blk_tov, 77U);
    EXPECT_EQ(entry.tx_ring.block_nr, 5U);
    EXPECT_EQ(entry.fanout_id, 4242);
    EXPECT_EQ(entry.fanout_type, PACKET_FANOUT_CPU);
    EXPECT_EQ(entry.rmem_alloc, 2304U);
    EXPECT_EQ(entry.rcvbuf, 50000U);
    EXPECT_EQ(entry.wmem_alloc, 768U);
    EXPECT_EQ(entry.sndbuf, 70000U);
    EXPECT_EQ(entry.sk_drops, 12U);
}

TEST(PacketDiag, LeavesWhatProcToldAndItselfDoesNot) {
    const SystemSocket socket =
        told(PacketDiagMessage().with(PACKET_DIAG_INFO, basics).with(PACKET_DIAG_MEMINFO, meminfo));
    EXPECT_EQ(socket.entry.ino, 99U);
    EXPECT_EQ(socket.entry.netns_ino, netns);
    EXPECT_EQ(socket.entry.uid, 1000U);
    EXPECT_EQ(ntohs(socket.entry.protocol), 0x88b5);
    EXPECT_EQ(socket.entry.rx_ring.block_nr, 0U);
    EXPECT_FALSE(socket.entry.flags & SR_PACKET_FANOUT);
    EXPECT_FALSE(socket.memberships_known);
    EXPECT_FALSE(socket.filter_known);
}

TEST(PacketDiag, WithoutItsBasicsLeavesTheSocketToProc) {
    const auto only_info = told(PacketDiagMessage().with(PACKET_DIAG_INFO, basics));
    EXPECT_EQ(only_info.source, Source::proc);
    EXPECT_EQ(only_info.entry.tp_reserve, 0U);
    EXPECT_EQ(told(PacketDiagMessage().with(PACKET_DIAG_MEMINFO, meminfo)).source, Source::proc);
    const std::array<std::uint32_t, SK_MEMINFO_VARS - 1> shorter{};
    EXPECT_EQ(told(PacketDiagMessage().with(PACKET_DIAG_INFO, basics).with(PACKET_DIAG_MEMINFO, shorter)).source,
              Source::proc);
}

TEST(PacketDiag, TakesStructuresThatHaveGrown) {
    const std::array<std::uint32_t, SK_MEMINFO_VARS + 3> longer{1, 2, 3};
    const auto socket = told(PacketDiagMessage().with(PACKET_DIAG_INFO, basics).with(PACKET_DIAG_MEMINFO, longer));
    EXPECT_EQ(socket.source, Source::sock_diag);
    EXPECT_EQ(socket.entry.rcvbuf, 2U);
}

TEST(PacketDiag, CountsMembershipsByKind) {
    const packet_diag_mclist members[] = {{2, 2, PACKET_MR_PROMISC, 0, {}},
                                          {2, 1, PACKET_MR_MULTICAST, 6, {1}},
                                          {2, 1, PACKET_MR_MULTICAST, 6, {1, 2}},
                                          {2, 1, 77, 6, {}}};
    const std::span<const std::byte> list = std::as_bytes(std::span(members));
    const auto socket = told(PacketDiagMessage().with(PACKET_DIAG_MCLIST, list));
    EXPECT_TRUE(socket.memberships_known);
    EXPECT_EQ(socket.entry.memberships[PACKET_MR_PROMISC], 2U);
    EXPECT_EQ(socket.entry.memberships[PACKET_MR_MULTICAST], 2U);
    EXPECT_EQ(socket.entry.memberships[PACKET_MR_ALLMULTI], 0U);
    EXPECT_TRUE(told(PacketDiagMessage().with(PACKET_DIAG_MCLIST, std::span<const std::byte>())).memberships_known);
}

TEST(PacketDiag, KnowsOfAFilterOnlyThatItIsThere) {
    const auto with = told(PacketDiagMessage().with(PACKET_DIAG_FILTER, std::uint64_t{6}));
    EXPECT_TRUE(with.filter_known);
    EXPECT_TRUE(with.entry.flags & SR_PACKET_FILTER);
    // Empty: the kernel does not want to tell. Absent: none, or one of eBPF.
    EXPECT_FALSE(told(PacketDiagMessage().with(PACKET_DIAG_FILTER, std::span<const std::byte>())).filter_known);
    EXPECT_FALSE(told(PacketDiagMessage()).filter_known);
}

TEST(PacketDiag, OfAnotherFamilyOrCutOffIsNone) {
    EXPECT_FALSE(decode_packet_diag(PacketDiagMessage(99, AF_UNIX).bytes()));
    EXPECT_FALSE(decode_packet_diag({}));
    const auto bytes = PacketDiagMessage().bytes().first(sizeof(packet_diag_msg) - 1);
    EXPECT_FALSE(decode_packet_diag(bytes));
}

TEST(PacketDiag, CutOffInAnAttributeHasThoseBefore) {
    const auto message = PacketDiagMessage().with(PACKET_DIAG_INFO, basics).with(PACKET_DIAG_MEMINFO, meminfo);
    const std::size_t whole = message.bytes().size();
    const std::size_t info_end = sizeof(packet_diag_msg) + RTA_SPACE(sizeof basics);
    for (std::size_t size = info_end; size < whole; size++) {
        const auto decoded = decode_packet_diag(message.bytes().first(size));
        ASSERT_TRUE(decoded);
        EXPECT_TRUE(decoded->info);
        EXPECT_FALSE(decoded->meminfo) << size;
    }
}

TEST(PacketDiag, AskedOfTheRunningKernelNeverHarms) {
    SystemSocket none = listed();
    none.entry.ino = 0;
    SystemSocket* const sockets[] = {&none};
    (void)ask_packet_diag(sockets);
    EXPECT_EQ(none.source, Source::proc);
}

}  // namespace
}  // namespace sockray
