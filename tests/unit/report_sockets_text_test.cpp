// From the records that the kernel side writes to the text and the JSON Lines that are shown.
#include "user/probe/socket_reader.h"
#include "user/report/sockets_json.h"
#include "user/report/sockets_text.h"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace sockray {
namespace {

using Json = nlohmann::json;

constexpr Style plain{false, true, 100, false};
constexpr Style ascii{false, false, 100, false};
constexpr Style wide{false, true, 100, true};
constexpr Style narrow{false, true, 80, true};
constexpr Style colored{true, true, 100, true};

constexpr std::uint32_t own_netns = 4026531840;
constexpr std::uint32_t other_netns = 4026532201;
constexpr std::uint64_t direct_xmit = 0xffffffff81000010;

class Names : public KernelNames {
  public:
    std::string symbol(std::uint64_t address) const override {
        return address == direct_xmit ? "packet_direct_xmit" : "dev_queue_xmit";
    }
    std::string drop_reason(std::uint32_t) const override { return ""; }
};

template <std::size_t N>
void put(char (&to)[N], std::string_view text) {
    std::ranges::fill(to, '\0');
    std::memcpy(to, text.data(), std::min(text.size(), N - 1));
}

// A record as the kernel side makes it: SOCK_RAW for ARP on eth0, running.
sr_socket_entry made(std::uint64_t ino = 16241, std::uint32_t pid = 412, std::uint32_t fd = 5,
                     std::string_view comm = "dhclient") {
    sr_socket_entry entry{};
    entry.size = sizeof entry;
    entry.ino = ino;
    entry.sk = 0xffff888000000000 + ino;
    entry.pid = pid;
    entry.fd = fd;
    put(entry.comm, comm);
    put(entry.ifname, "eth0");
    entry.ifindex = 2;
    entry.netns_ino = own_netns;
    entry.sock_type = SOCK_RAW;
    entry.protocol = htons(ETH_P_ARP);
    entry.flags = SR_PACKET_RUNNING;
    entry.sndbuf = 212992;
    entry.rcvbuf = 212992;
    return entry;
}

SystemSockets found(const std::vector<sr_socket_entry>& entries) {
    return {group_by_socket(entries, Names()), own_netns, {own_netns, other_netns}};
}

std::string text_of(const SystemSockets& sockets, const Style& style = plain) {
    fmt::memory_buffer out;
    append_sockets_text(out, sockets, style);
    return fmt::to_string(out);
}
std::string text_of(const sr_socket_entry& entry, const Style& style = plain) {
    return text_of(found({entry}), style);
}

std::vector<Json> json_of(const SystemSockets& sockets) {
    fmt::memory_buffer out;
    append_sockets_json(out, sockets);
    std::istringstream lines(fmt::to_string(out));
    std::vector<Json> all;
    for (std::string line; std::getline(lines, line);) all.push_back(Json::parse(line));
    return all;
}
Json json_of(const sr_socket_entry& entry) {
    return json_of(found({entry})).at(0);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

int widest(const std::string& text) {
    std::istringstream lines(text);
    int width = 0;
    for (std::string line; std::getline(lines, line);) width = std::max(width, columns(line));
    return width;
}

// One with everything set.
sr_socket_entry loaded() {
    sr_socket_entry entry = made(16250, 733, 4, "trafgen");
    entry.flags |= SR_PACKET_FILTER | SR_PACKET_LOSS | SR_PACKET_AUXDATA | SR_PACKET_ORIGDEV | SR_PACKET_TX_HAS_OFF |
                   SR_PACKET_IGNORE_OUTGOING | SR_PACKET_QDISC_BYPASS | SR_PACKET_FANOUT;
    entry.tp_version = TPACKET_V3;
    entry.rx_ring = {64, 1U << 22, 131072, 2048};
    entry.tx_ring = {4, 4096, 8, 2048};
    entry.retire_blk_tov = 60;
    entry.fanout_id = 7;
    entry.fanout_type = PACKET_FANOUT_HASH;
    entry.fanout_flags = (PACKET_FANOUT_FLAG_ROLLOVER | PACKET_FANOUT_FLAG_DEFRAG) >> 8;
    entry.fanout_members = 3;
    entry.fanout_running = 2;
    entry.vnet_hdr_sz = 12;
    entry.tp_tstamp = 64;
    entry.tp_reserve = 32;
    entry.copy_thresh = 300;
    entry.rmem_alloc = 2304;
    entry.wmem_alloc = 768;
    entry.tp_packets = 1'234'567;
    entry.tp_drops = 89;
    entry.tp_freeze_q_cnt = 2;
    entry.memberships[PACKET_MR_PROMISC] = 1;
    entry.memberships[PACKET_MR_MULTICAST] = 3;
    return entry;
}

std::span<const std::byte> bytes_of(const std::vector<sr_socket_entry>& entries) {
    return std::as_bytes(std::span(entries));
}

TEST(SocketEntries, AreDecodedWholeOrNotAtAll) {
    const std::vector<sr_socket_entry> entries{made(), loaded()};
    const auto bytes = bytes_of(entries);
    EXPECT_EQ(decode_socket_entries({})->size(), 0U);
    EXPECT_EQ(decode_socket_entries(bytes)->at(1).ino, 16250U);
    for (std::size_t length = 1; length < sizeof(sr_socket_entry); length++)
        EXPECT_FALSE(decode_socket_entries(bytes.first(length))) << length;
}

TEST(SocketEntries, ThatMakeNoSenseAreRefused) {
    std::vector<sr_socket_entry> entries{made()};
    entries[0].size--;
    EXPECT_FALSE(decode_socket_entries(bytes_of(entries)));
    entries[0] = made();
    std::ranges::fill(entries[0].comm, 'x');
    EXPECT_FALSE(decode_socket_entries(bytes_of(entries)));
    entries[0] = made();
    std::ranges::fill(entries[0].ifname, 'x');
    EXPECT_FALSE(decode_socket_entries(bytes_of(entries)));
}

TEST(SocketEntries, OfOneSocketBecomeOneWithAllItsHolders) {
    const auto sockets = group_by_socket(std::vector{made(7, 20, 4, "b"), made(7, 10, 9, "a"), made(8, 10, 3, "a"),
                                                     made(7, 10, 3, "a"), made(7, 10, 3, "a")},
                                         Names());
    ASSERT_EQ(sockets.size(), 2U);
    ASSERT_EQ(sockets[0].holders.size(), 2U);
    EXPECT_EQ(sockets[0].holders[0].pid, 10U);
    EXPECT_EQ(sockets[0].holders[0].fds, (std::vector<std::uint32_t>{3, 9}));
    EXPECT_EQ(sockets[0].holders[1].comm, "b");
}

TEST(SocketEntries, SayBypassByFlagOrByThePointer) {
    sr_socket_entry by_pointer = made(1);
    by_pointer.xmit = direct_xmit;
    sr_socket_entry by_flag = made(2);
    by_flag.flags |= SR_PACKET_QDISC_BYPASS;
    sr_socket_entry none = made(3);
    none.xmit = direct_xmit + 1;
    const auto sockets = group_by_socket(std::vector{by_pointer, by_flag, none}, Names());
    EXPECT_TRUE(sockets[0].qdisc_bypass);
    EXPECT_TRUE(sockets[1].qdisc_bypass);
    EXPECT_FALSE(sockets[2].qdisc_bypass);
}

TEST(ProcNetPacket, GivesSocketsWithoutHolders) {
    const auto sockets = parse_proc_net_packet(
        "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
        "00000000171575fe 3      3    88b5   0     1 0      0      10323 \n"
        "000000003f91aa2e 3      2    0003   -1    0 1536   1000   10328 \n",
        own_netns);
    ASSERT_EQ(sockets.size(), 2U);
    EXPECT_EQ(sockets[0].entry.ino, 10323U);
    EXPECT_EQ(sockets[0].entry.sock_type, SOCK_RAW);
    EXPECT_EQ(ntohs(sockets[0].entry.protocol), 0x88b5);
    EXPECT_EQ(sockets[0].entry.flags, SR_PACKET_RUNNING);
    EXPECT_EQ(sockets[1].entry.ifindex, -1);
    EXPECT_EQ(sockets[1].entry.rmem_alloc, 1536U);
    EXPECT_EQ(sockets[1].entry.uid, 1000U);
    EXPECT_TRUE(sockets[1].holders.empty());
}

TEST(ProcNetPacket, LeavesOutWhatIsNoSuchLine) {
    for (const char* text : {"", "\n\n", "sk RefCnt", "a 3 3 88b5 0 1 0 0", "a 3 3 zzzz 0 1 0 0 5",
                             "a 3 3 1 0 1 0 0 -5", "a 3 99999999 1 0 1 0 0 5"})
        EXPECT_TRUE(parse_proc_net_packet(text, own_netns).empty()) << text;
}

TEST(SocketsText, ShowsARowWithWhatWasBoundAndCounted) {
    const std::string text = text_of(loaded());
    EXPECT_TRUE(text.starts_with("PACKET SOCKETS  1 in 1 network namespace\n")) << text;
    EXPECT_TRUE(has(text, "NETNS 4026531840  sockray's own\n")) << text;
    EXPECT_TRUE(has(text, "  trafgen[733]  SOCK_RAW  ETH_P_ARP  eth0       running  16250  1234567     89\n")) << text;
}

TEST(SocketsText, ShowsBeneathItWhatWasSet) {
    const std::string text = text_of(loaded());
    EXPECT_TRUE(has(text, "    open as   fd 4\n")) << text;
    EXPECT_TRUE(has(text, "    RX ring   TPACKET_V3, 64 blocks of 4 MiB, retired after 60 ms\n")) << text;
    EXPECT_TRUE(has(text, "    TX ring   TPACKET_V3, 8 frames of 2048 bytes in 4 blocks of 4 KiB\n")) << text;
    EXPECT_TRUE(has(text, "    fanout    group 7, hash + rollover + defrag, 3 members, 2 running\n")) << text;
    EXPECT_TRUE(has(text, "    options   qdisc bypass, filter, virtio-net header of 12 bytes, auxdata, origdev, loss"))
        << text;
    for (const char* option : {"tx_has_off", "ignore_outgoing", "timestamp 0x40", "copy_thresh 300", "reserve 32",
                               "3 multicast", "1 promisc"})
        EXPECT_TRUE(has(text, option)) << option;
    EXPECT_TRUE(has(text, "    buffers   receive 2304 of 212992 bytes used, send 768 of 212992\n")) << text;
    EXPECT_TRUE(has(text, "    frozen    2 times, no block was free\n")) << text;
}

TEST(SocketsText, OfAPlainSocketHasNoLinesForWhatIsNotSet) {
    const std::string text = text_of(made());
    for (const char* label : {"ring", "fanout", "options", "frozen"}) EXPECT_FALSE(has(text, label)) << text;
}

TEST(SocketsText, NamesTheInterfaceEvenWithoutAName) {
    sr_socket_entry entry = made();
    entry.ifname[0] = 0;
    entry.ifindex = 0;
    EXPECT_TRUE(has(text_of(entry), " any "));
    entry.ifindex = -1;
    EXPECT_TRUE(has(text_of(entry), " gone "));
    entry.ifindex = 17;
    EXPECT_TRUE(has(text_of(entry), " #17 "));
}

TEST(SocketsText, SaysWhoElseHoldsASocket) {
    const std::string text = text_of(found({made(7, 10, 3, "a"), made(7, 10, 5, "a"), made(7, 20, 4, "b")}));
    EXPECT_TRUE(has(text, "  a[10] +1 ")) << text;
    EXPECT_TRUE(has(text, "    open as   a[10] fds 3, 5; b[20] fd 4\n")) << text;
}

TEST(SocketsText, SaysWhichSocketsNoProcessHolds) {
    SystemSockets sockets = found({made()});
    sockets.sockets.push_back(parse_proc_net_packet("a 3 3 88b5 4 1 1536 0 99", other_netns).at(0));
    const std::string text = text_of(sockets);
    EXPECT_TRUE(text.starts_with("PACKET SOCKETS  2 in 2 network namespaces, 1 held by no process\n")) << text;
    EXPECT_TRUE(has(text, "NETNS 4026532201\n")) << text;
    EXPECT_TRUE(has(text, "  no process     SOCK_RAW  ETH_P_802_EX1  #4         running     99        ?      ?\n"))
        << text;
    EXPECT_TRUE(has(text, "    buffers   receive 1536 bytes used\n")) << text;
}

TEST(SocketsText, SaysWhichNamespaceCouldNotBeCompared) {
    SystemSockets sockets = found({made()});
    sockets.compared.clear();
    EXPECT_TRUE(
        has(text_of(sockets), "sockray's own  no process in it and no name: sockets that none holds are not seen\n"));
}

TEST(SocketsText, WithoutAnySocketIsOneLine) {
    EXPECT_EQ(text_of(found({})), "PACKET SOCKETS  0 in 0 network namespaces\n");
}

TEST(SocketsText, OfSOCK_PACKETDoesNotPretendToCountPackets) {
    sr_socket_entry entry = made();
    entry.sock_type = SOCK_PACKET;
    entry.sk_drops = 5;
    EXPECT_TRUE(has(text_of(entry), "        -      5\n")) << text_of(entry);
}

TEST(SocketsText, FitsInto80And100Columns) {
    sr_socket_entry worst = loaded();
    worst.sock_type = SOCK_PACKET;
    worst.protocol = htons(ETH_P_PPP_DISC);
    worst.pid = 4194303;
    worst.ino = 4294967295;
    put(worst.comm, "a-long-name-123");
    put(worst.ifname, "wlx00c0caabcdef");
    for (const Style& style : {narrow, wide}) {
        const std::string text = text_of(found({worst, loaded(), made()}), style);
        EXPECT_LE(widest(text), style.width) << text;
        for (const char* whole : {"4294967295", "a-long-name-123[4194303]", "wlx00c0caabcdef"})
            EXPECT_TRUE(has(text, whole)) << whole << "\n" << text;
    }
}

TEST(SocketsText, IntoAPipeShortensNothing) {
    sr_socket_entry worst = loaded();
    put(worst.comm, "a-long-name-123");
    worst.pid = 4194303;
    put(worst.ifname, "wlx00c0caabcdef");
    worst.protocol = htons(ETH_P_PPP_DISC);
    const std::string text = text_of(worst, {false, true, 60, false});
    EXPECT_TRUE(has(text, "a-long-name-123[4194303]")) << text;
    EXPECT_TRUE(has(text, "wlx00c0caabcdef")) << text;
}

TEST(SocketsText, ObeysNoHostileName) {
    sr_socket_entry entry = made();
    put(entry.comm, "\x1b[31mred\n");
    put(entry.ifname, "\xff\x07");
    for (const Style& style : {plain, ascii}) {
        const std::string text = text_of(entry, style);
        EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); })) << text;
        EXPECT_TRUE(has(text, "\\x1b[31mred\\x0a[412]")) << text;
    }
}

TEST(SocketsText, HasColoursOnlyWhereTheyAreWanted) {
    EXPECT_FALSE(has(text_of(loaded(), plain), "\x1b"));
    EXPECT_TRUE(has(text_of(loaded(), colored), "\x1b"));
}

TEST(SocketsJson, IsOneObjectALineWithTheKernelsNumbers) {
    const Json json = json_of(loaded());
    EXPECT_EQ(json["type"], "packet_socket");
    EXPECT_EQ(json["ino"], 16250);
    EXPECT_EQ(json["netns"], own_netns);
    EXPECT_EQ(json["processes"], Json::parse(R"([{"pid":733,"comm":"trafgen","fds":[4]}])"));
    EXPECT_EQ(json["protocol"], ETH_P_ARP);
    EXPECT_EQ(json["rx_ring"],
              Json::parse(R"({"version":3,"block_nr":64,"block_size":4194304,"frame_nr":131072,"frame_size":2048,
                              "retire_blk_tov":60})"));
    EXPECT_EQ(json["tx_ring"],
              Json::parse(R"({"version":3,"block_nr":4,"block_size":4096,"frame_nr":8,"frame_size":2048})"));
    EXPECT_EQ(json["fanout"],
              Json::parse(R"({"id":7,"mode":"hash","flags":["rollover","defrag"],"members":3,"running":2})"));
    EXPECT_EQ(json["memberships"],
              Json::parse(R"({"multicast":3,"promisc":1,"allmulti":0,"unicast":0,"complete":true})"));
    EXPECT_EQ(json["packets"], 1'234'567);
    EXPECT_EQ(json["drops"], 89);
    EXPECT_EQ(json["xmit"], nullptr);
    for (const char* key :
         {"running", "qdisc_bypass", "filter", "auxdata", "origdev", "loss", "tx_has_off", "ignore_outgoing"})
        EXPECT_EQ(json[key], true) << key;
}

TEST(SocketsJson, HasNullForWhatIsNotThere) {
    sr_socket_entry entry = made();
    entry.sock_type = SOCK_PACKET;
    entry.ifname[0] = 0;
    const Json json = json_of(entry);
    for (const char* key : {"rx_ring", "tx_ring", "fanout", "packets", "drops", "ifname"})
        EXPECT_TRUE(json.at(key).is_null()) << key;
}

TEST(SocketsJson, OfASocketThatNoProcessHoldsHasOnlyWhatIsKnown) {
    SystemSockets sockets;
    sockets.sockets = parse_proc_net_packet("a 3 3 88b5 4 1 1536 0 99", other_netns);
    const Json json = json_of(sockets).at(0);
    EXPECT_EQ(json["processes"], Json::array());
    EXPECT_EQ(json["ifindex"], 4);
    EXPECT_EQ(json["ifname"], nullptr);
    EXPECT_EQ(json["running"], true);
    EXPECT_FALSE(json.contains("sndbuf"));
    EXPECT_FALSE(json.contains("fanout"));
}

TEST(SocketsJson, IsValidWhateverTheNames) {
    sr_socket_entry entry = made();
    put(entry.comm, "\"\\\xff\n");
    put(entry.ifname, "\x01\"");
    EXPECT_EQ(json_of(entry)["processes"][0]["comm"], "\"\\x5c\\xff\n");
}

}  // namespace
}  // namespace sockray
