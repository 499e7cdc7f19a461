// What is shown of packet sockets that no process holds: what is known of them, and nothing that is not.
#include "user/report/sockets_json.h"
#include "user/report/sockets_text.h"

#include <gtest/gtest.h>

#include <linux/if_packet.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "user/probe/packet_diag.h"

namespace sockray {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t netns = 4026532201;

SystemSocket listed(const char* type = "3") {
    return parse_proc_net_packet(std::string("a 3 ") + type + " 88b5 4 1 1536 0 99", netns).at(0);
}

// As sock_diag tells of one with everything set.
SystemSocket told(const char* type = "3") {
    PacketDiag diag;
    diag.socket.pdiag_num = 0x88b5;
    diag.info = packet_diag_info{4, TPACKET_V2, 32, 300, 64, PDI_RUNNING | PDI_AUXDATA | PDI_VNETHDR};
    diag.meminfo = {{2304, 50000, 768, 70000, 0, 0, 0, 0, 12}};
    diag.tx_ring = packet_diag_ring{4096, 2, 2048, 4, 0, 0, 0};
    diag.fanout = PACKET_FANOUT_LB << 16 | 777;
    diag.memberships = {{2, 1}};
    diag.filter = true;
    SystemSocket socket = listed(type);
    add_packet_diag(diag, socket);
    std::strcpy(socket.entry.ifname, "veth1");
    return socket;
}

SystemSockets found(const SystemSocket& socket) {
    SystemSockets sockets;
    sockets.sockets = {socket};
    sockets.compared = {netns};
    return sockets;
}

std::string text_of(const SystemSockets& sockets, int width = 300) {
    fmt::memory_buffer out;
    append_sockets_text(out, sockets, {false, true, width, true});
    return fmt::to_string(out);
}

Json json_of(const SystemSocket& socket) {
    fmt::memory_buffer out;
    append_sockets_json(out, found(socket));
    return Json::parse(fmt::to_string(out));
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(UnheldSocketText, ShowsWhatSockDiagTells) {
    const std::string text = text_of(found(told()));
    for (const char* line :
         {"  no process  SOCK_RAW  ETH_P_802_EX1  veth1      running     99        ?      ?\n",
          "    held by   no descriptor of a process in sight: in flight over a Unix socket, kept by io_uring or the "
          "kernel\n",
          "    TX ring   TPACKET_V2, 4 frames of 2048 bytes in 2 blocks of 4 KiB\n", "    fanout    group 777, lb\n",
          "    options   filter, virtio-net header, auxdata, timestamp 0x40, copy_thresh 300, reserve 32, 2 multicast, "
          "1 promisc\n",
          "    buffers   receive 2304 of 50000 bytes used, send 768 of 70000\n",
          "    dropped   12 frames since the start: no room in the receive buffer\n"})
        EXPECT_TRUE(has(text, line)) << line << text;
}

TEST(UnheldSocketText, SaysWhatSockDiagDoesNotTell) {
    EXPECT_TRUE(has(text_of(found(told())),
                    "    unknown   packets and drops by PACKET_STATISTICS, qdisc bypass, tx_has_off, "
                    "ignore_outgoing, size of the virtio-net header, flags and members of the fanout group: "
                    "sock_diag does not tell them\n"))
        << text_of(found(told()));
    SystemSocket bare = told();
    bare.vnet_hdr = bare.filter_known = bare.memberships_known = false;
    bare.entry.flags = 0;
    EXPECT_TRUE(has(text_of(found(bare)), "ignore_outgoing, whether there is a filter of eBPF, memberships: sock_diag"))
        << text_of(found(bare));
}

TEST(UnheldSocketText, OfSOCK_PACKETShowsTheOnlyDropsThereAre) {
    const std::string text = text_of(found(told("10")));
    EXPECT_TRUE(has(text, "99        -     12\n")) << text;
    EXPECT_FALSE(has(text, "PACKET_STATISTICS")) << text;
    EXPECT_FALSE(has(text, "dropped")) << text;
    EXPECT_TRUE(has(text_of(found(listed("10"))), "99        -      ?\n")) << text_of(found(listed("10")));
}

TEST(UnheldSocketText, WithoutSockDiagSaysWhatWouldTellMore) {
    SystemSockets sockets = found(listed());
    EXPECT_TRUE(has(text_of(sockets), "kernel; /proc/net/packet says no more than this\n")) << text_of(sockets);
    sockets.without_packet_diag = true;
    EXPECT_TRUE(has(text_of(sockets), "no more than this, and sock_diag lacks its module af_packet_diag\n"))
        << text_of(sockets);
    EXPECT_FALSE(has(text_of(sockets), "unknown")) << text_of(sockets);
}

TEST(UnheldSocketText, FitsInto80Columns) {
    const std::string text = text_of(found(told()), 80);
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        EXPECT_LE(columns(text.substr(begin, end - begin)), 80) << text;
        begin = end + 1;
    }
}

TEST(UnheldSocketJson, HasTheKeysThatSockDiagTellsAndNoOther) {
    const Json json = json_of(told());
    EXPECT_EQ(json["source"], "sock_diag");
    EXPECT_EQ(json["processes"], Json::array());
    EXPECT_EQ(json["ifname"], "veth1");
    EXPECT_EQ(json["tx_ring"],
              Json::parse(R"({"version":2,"block_nr":2,"block_size":4096,"frame_nr":4,"frame_size":2048})"));
    EXPECT_TRUE(json.at("rx_ring").is_null());
    EXPECT_EQ(json["fanout"], Json::parse(R"({"id":777,"mode":"lb"})"));
    EXPECT_EQ(json["sk_drops"], 12);
    EXPECT_EQ(json["sndbuf"], 70000);
    EXPECT_EQ(json["vnet_hdr"], true);
    EXPECT_EQ(json["filter"], true);
    EXPECT_EQ(json["memberships"]["multicast"], 2);
    for (const char* key :
         {"packets", "drops", "freeze_q_cnt", "qdisc_bypass", "xmit", "tx_has_off", "ignore_outgoing", "vnet_hdr_sz"})
        EXPECT_FALSE(json.contains(key)) << key;
}

TEST(UnheldSocketJson, LeavesOutWhatSockDiagDidNotTellThisTime) {
    SystemSocket bare = told();
    bare.vnet_hdr = bare.filter_known = bare.memberships_known = false;
    const Json json = json_of(bare);
    EXPECT_FALSE(json.contains("filter"));
    EXPECT_FALSE(json.contains("memberships"));
    EXPECT_EQ(json["vnet_hdr_sz"], 0);
}

TEST(UnheldSocketJson, OfProcHasOnlyWhatProcTells) {
    const Json json = json_of(listed());
    EXPECT_EQ(json["source"], "proc");
    EXPECT_EQ(json["rmem_alloc"], 1536);
    for (const char* key : {"sndbuf", "tx_ring", "fanout", "auxdata", "vnet_hdr", "memberships", "packets"})
        EXPECT_FALSE(json.contains(key)) << key;
}

}  // namespace
}  // namespace sockray
