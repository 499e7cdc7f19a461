// sockray sockets: every packet socket of the system, held against what the test set with setsockopt(2), against
// /proc/net/packet and against `ss -0`.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <sstream>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/socket_zoo.h"
#include "tests/vm/ss.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Sockets : public KernelTest {
  protected:
    static void SetUpTestSuite() {
        if (network_problem().empty()) zoo_ = std::make_unique<Zoo>();
    }
    static void TearDownTestSuite() { zoo_.reset(); }
    static const Zoo& zoo() { return *zoo_; }

    // What sockray says of the socket.
    static Json of(std::uint64_t ino) {
        const auto found = zoo().by_inode.find(ino);
        if (found != zoo().by_inode.end()) return found->second;
        ADD_FAILURE() << "no socket " << ino << "\n" << shown(zoo().json);
        return Json::object();
    }
    static Json of(const Fd& fd) { return of(inode_of(fd.get())); }

    static void expect(const Json& socket, const std::vector<std::pair<const char*, Json>>& values) {
        for (const auto& [key, value] : values) EXPECT_EQ(socket.value(key, Json()), value) << key << " of " << socket;
    }

    // The inodes that sockray lists in the network namespace.
    static std::vector<std::uint64_t> inodes_in(std::uint64_t netns) {
        std::vector<std::uint64_t> inodes;
        for (const auto& [ino, socket] : zoo().by_inode)
            if (socket.value("netns", std::uint64_t{0}) == netns) inodes.push_back(ino);
        return inodes;
    }

  private:
    static inline std::unique_ptr<Zoo> zoo_;
};

TEST_F(Sockets, of_each_line_is_one_JSON_object_of_a_packet_socket) {
    EXPECT_EQ(zoo().json.status, 0) << shown(zoo().json);
    EXPECT_EQ(zoo().json.err, "");
    std::istringstream lines(zoo().json.out);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); count++)
        EXPECT_EQ(Json::parse(line, nullptr, false).value("type", ""), "packet_socket") << line;
    EXPECT_EQ(count, zoo().by_inode.size()) << "a socket is listed twice";
}

TEST_F(Sockets, have_the_type_the_protocol_and_the_interface_that_they_were_opened_and_bound_with) {
    const int veth0 = static_cast<int>(::if_nametoindex("veth0"));
    expect(of(zoo().raw_closed), {{"sock_type", SOCK_RAW}, {"protocol", 0}, {"ifindex", 0}, {"ifname", ""}});
    expect(of(zoo().raw_any), {{"sock_type", SOCK_RAW}, {"protocol", ethertype}, {"ifindex", 0}, {"ifname", ""}});
    expect(of(zoo().dgram),
           {{"sock_type", SOCK_DGRAM}, {"protocol", ETH_P_IP}, {"ifindex", veth0}, {"ifname", "veth0"}});
    expect(of(zoo().spkt),
           {{"sock_type", SOCK_PACKET}, {"protocol", ETH_P_ARP}, {"ifindex", veth0}, {"ifname", "veth0"}});
    expect(of(zoo().shared), {{"ifname", "lo"}});
}

TEST_F(Sockets, run_where_they_have_a_protocol_and_their_interface_is_up) {
    expect(of(zoo().raw_closed), {{"running", false}});
    expect(of(zoo().raw_any), {{"running", true}});
    expect(of(zoo().dgram), {{"running", true}});
    expect(of(zoo().abroad->answer()), {{"running", false}});  // lo of a new namespace is down
}

TEST_F(Sockets, whose_interface_was_deleted_say_that_it_is_gone) {
    expect(of(zoo().gone), {{"ifindex", -1}, {"ifname", nullptr}, {"running", false}});
    EXPECT_NE(zoo().text.out.find("gone"), std::string::npos) << zoo().text.out;
}

TEST_F(Sockets, name_the_process_that_holds_them_once_whatever_its_threads) {
    const std::string comm = read_file("/proc/self/comm");
    const Json self{{"pid", ::getpid()}, {"comm", comm.substr(0, comm.find('\n'))}, {"fds", {zoo().raw_any.get()}}};
    expect(of(zoo().raw_any), {{"processes", Json::array({self})}, {"uid", 0}});
}

TEST_F(Sockets, that_several_processes_and_descriptors_share_name_all_of_them) {
    const Json processes = of(zoo().shared).value("processes", Json::array());
    ASSERT_EQ(processes.size(), 2U);
    EXPECT_EQ(processes[0]["pid"], ::getpid());
    EXPECT_EQ(processes[0]["fds"], (Json{zoo().shared.get(), zoo().twice.get()}));
    EXPECT_EQ(processes[1]["pid"], zoo().sharer->pid());
    EXPECT_EQ(processes[1]["fds"], Json::array({zoo().shared.get()}));
}

TEST_F(Sockets, of_other_network_namespaces_are_listed_with_theirs) {
    const Json socket = of(zoo().abroad->answer());
    expect(socket,
           {{"netns", zoo().abroad_netns}, {"sock_type", SOCK_DGRAM}, {"protocol", ETH_P_IPV6}, {"ifname", "lo"}});
    EXPECT_EQ(socket["processes"].at(0)["pid"], zoo().abroad->pid());
    expect(of(zoo().raw_any), {{"netns", inode_of("/proc/self/ns/net")}});
}

Json ring(int version, int block_nr, int block_size, int frame_nr, int frame_size) {
    return {{"version", version},
            {"block_nr", block_nr},
            {"block_size", block_size},
            {"frame_nr", frame_nr},
            {"frame_size", frame_size}};
}

TEST_F(Sockets, that_no_process_holds_are_listed_with_what_sock_diag_says_of_them) {
    expect(of(zoo().in_flight.ino()), {{"processes", Json::array()},
                                       {"source", "sock_diag"},
                                       {"sock_type", SOCK_DGRAM},
                                       {"protocol", ETH_P_ARP},
                                       {"ifname", "veth1"},
                                       {"running", true},
                                       {"sndbuf", get(zoo().raw_any, SO_SNDBUF)},
                                       {"tx_ring", nullptr},
                                       {"fanout", nullptr},
                                       {"vnet_hdr_sz", 0},
                                       {"packets", Json()},
                                       {"qdisc_bypass", Json()}});
    EXPECT_NE(zoo().text.out.find(", 5 held by no process"), std::string::npos) << zoo().text.out;
    expect(of(zoo().raw_any), {{"source", "bpf"}});
}

TEST_F(Sockets, that_no_process_holds_show_their_rings_fanout_options_memberships_and_buffers) {
    const Json socket = of(zoo().furnished_in_flight.ino());
    expect(socket, {{"rx_ring", ring(2, 3, 4096, 6, 2048)},
                    {"tx_ring", ring(2, 2, 8192, 8, 2048)},
                    {"fanout", Json{{"id", 777}, {"mode", "lb"}}},
                    {"filter", true},
                    {"auxdata", true},
                    {"origdev", true},
                    {"loss", true},
                    {"vnet_hdr", true},
                    {"reserve", 32},
                    {"copy_thresh", 123},
                    {"timestamp", int{SOF_TIMESTAMPING_RAW_HARDWARE}},
                    {"sndbuf", 120000},
                    {"rcvbuf", 80000}});
    EXPECT_FALSE(socket.contains("vnet_hdr_sz")) << socket;
    EXPECT_EQ(socket["memberships"]["promisc"], 3) << socket;
    for (const char* words : {"TPACKET_V2, 8 frames of 2048 bytes in 2 blocks of 8 KiB", "group 777, lb\n"})
        EXPECT_NE(zoo().text.out.find(words), std::string::npos) << words << "\n" << zoo().text.out;
}

TEST_F(Sockets, that_no_process_holds_show_the_frames_that_found_no_room) {
    const Json socket = of(zoo().counted_in_flight.ino());
    EXPECT_GT(socket.value("sk_drops", 0), 0);
    EXPECT_EQ(socket.value("sk_drops", 0), of(zoo().counted).value("sk_drops", -1));
    EXPECT_GT(socket.value("rmem_alloc", 0), 0);
}

TEST_F(Sockets, that_no_process_holds_lack_the_memberships_that_find_no_room_in_an_answer_and_nothing_else) {
    const Json socket = of(zoo().crowded_in_flight.ino());
    expect(socket, {{"source", "sock_diag"}, {"ifname", "veth1"}, {"rx_ring", nullptr}, {"loss", false}});
    EXPECT_FALSE(socket.contains("memberships")) << socket;
    EXPECT_TRUE(of(zoo().in_flight.ino()).contains("memberships"));
}

TEST_F(Sockets, that_no_process_holds_are_found_in_a_namespace_that_only_a_name_keeps) {
    expect(of(zoo().named.ino()), {{"processes", Json::array()},
                                   {"source", "sock_diag"},
                                   {"netns", zoo().named.netns()},
                                   {"protocol", ETH_P_LOOPBACK},
                                   {"ifname", "lo"},
                                   {"running", false}});
}

// While it is there, the kernel has no af_packet_diag, and nobody loads it.
class WithoutPacketDiag {
  public:
    WithoutPacketDiag() {
        write_file(setting, "/bin/false");
        away_ = ::syscall(SYS_delete_module, "af_packet_diag", O_NONBLOCK) == 0;
    }
    ~WithoutPacketDiag() { write_file(setting, loader_); }
    bool away() const { return away_; }

  private:
    static constexpr const char* setting = "/proc/sys/kernel/modprobe";
    std::string loader_ = read_file(setting);
    bool away_ = false;
};

TEST_F(Sockets, that_no_process_holds_are_listed_as_proc_has_them_where_sock_diag_does_not_answer) {
    const WithoutPacketDiag kernel;
    if (!kernel.away()) GTEST_SKIP() << "af_packet_diag is no module here";
    const Completed json = sockray({"sockets", "--json"});
    EXPECT_EQ(json.status, 0) << shown(json);
    EXPECT_EQ(json.err, "");
    auto all = Zoo::read(json);
    EXPECT_EQ(all.size(), zoo().by_inode.size());
    const Json socket = all[zoo().furnished_in_flight.ino()];
    expect(socket, {{"source", "proc"}, {"protocol", ethertype}, {"ifname", "veth1"}, {"running", true}});
    EXPECT_FALSE(socket.contains("tx_ring")) << socket;
    EXPECT_FALSE(socket.contains("sndbuf")) << socket;
    const Completed text = sockray({"sockets"});
    EXPECT_EQ(text.status, 0) << shown(text);
    EXPECT_NE(text.out.find("/proc/net/packet says no more than this"), std::string::npos) << text.out;
    EXPECT_NE(text.out.find("af_packet_diag"), std::string::npos) << text.out;
}

TEST_F(Sockets, show_their_rings_as_they_were_asked_for) {
    expect(of(zoo().raw_any), {{"rx_ring", nullptr}, {"tx_ring", nullptr}});
    expect(of(zoo().rx_v1), {{"rx_ring", ring(1, 4, 4096, 8, 2048)}, {"tx_ring", nullptr}});
    expect(of(zoo().rx_v2), {{"rx_ring", ring(2, 3, 8192, 6, 4096)}, {"tx_ring", nullptr}});
    Json v3 = ring(3, 2, 65536, 64, 2048);
    v3["retire_blk_tov"] = 77;
    expect(of(zoo().rx_v3), {{"rx_ring", v3}, {"tx_ring", nullptr}});
    expect(of(zoo().tx_v2), {{"rx_ring", ring(2, 1, 4096, 4, 1024)}, {"tx_ring", ring(2, 2, 16384, 16, 2048)}});
    expect(of(zoo().tx_v3), {{"rx_ring", nullptr}, {"tx_ring", ring(3, 5, 4096, 10, 2048)}});
}

TEST_F(Sockets, show_the_fanout_group_with_all_its_members) {
    const Json group{{"id", 4242}, {"mode", "cpu"}, {"flags", {"defrag"}}, {"members", 2}, {"running", 2}};
    expect(of(zoo().fanout_a), {{"fanout", group}});
    expect(of(zoo().fanout_b), {{"fanout", group}});
    expect(of(zoo().raw_any), {{"fanout", nullptr}});
}

TEST_F(Sockets, show_PACKET_QDISC_BYPASS_and_the_way_out_by_name_where_the_kernel_has_a_pointer) {
    expect(of(zoo().bypass), {{"qdisc_bypass", true}});
    expect(of(zoo().raw_any), {{"qdisc_bypass", false}});
    if (of(zoo().bypass)["xmit"].is_null()) return;
    expect(of(zoo().bypass), {{"xmit", "packet_direct_xmit"}});
    expect(of(zoo().raw_any), {{"xmit", "dev_queue_xmit"}});
}

TEST_F(Sockets, show_each_option_that_was_set) {
    expect(of(zoo().options), {{"auxdata", true},
                               {"origdev", true},
                               {"vnet_hdr_sz", 10},
                               {"copy_thresh", 300},
                               {"timestamp", int{SOF_TIMESTAMPING_RAW_HARDWARE}},
                               {"reserve", 64},
                               {"ignore_outgoing", true},
                               {"loss", false},
                               {"tx_has_off", false},
                               {"filter", false}});
    expect(of(zoo().tx_v2), {{"loss", true}, {"tx_has_off", true}});
    expect(of(zoo().filtered), {{"filter", true}});
}

TEST_F(Sockets, show_no_option_that_was_not_set) {
    expect(of(zoo().raw_any), {{"auxdata", false},
                               {"origdev", false},
                               {"loss", false},
                               {"tx_has_off", false},
                               {"ignore_outgoing", false},
                               {"filter", false},
                               {"vnet_hdr_sz", 0},
                               {"copy_thresh", 0},
                               {"timestamp", 0},
                               {"reserve", 0}});
}

TEST_F(Sockets, count_their_memberships_by_kind) {
    expect(
        of(zoo().options),
        {{"memberships", Json{{"multicast", 3}, {"promisc", 2}, {"allmulti", 1}, {"unicast", 0}, {"complete", true}}}});
}

TEST_F(Sockets, show_the_buffers_that_getsockopt_tells) {
    for (const Fd* fd : {&zoo().options, &zoo().raw_any, &zoo().counted})
        expect(of(*fd), {{"sndbuf", get(*fd, SO_SNDBUF)}, {"rcvbuf", get(*fd, SO_RCVBUF)}, {"wmem_alloc", 0}});
    EXPECT_GT(of(zoo().counted).value("rmem_alloc", 0), 0);
    expect(of(zoo().raw_closed), {{"rmem_alloc", 0}});
}

TEST_F(Sockets, show_the_counters_of_PACKET_STATISTICS_and_leave_them_as_they_are) {
    const Json socket = of(zoo().counted);
    expect(socket, {{"packets", 50}, {"packets", zoo().statistics.tp_packets}, {"drops", zoo().statistics.tp_drops}});
    EXPECT_GT(zoo().statistics.tp_drops, 0U);
    EXPECT_EQ(Zoo::read(zoo().json_again)[inode_of(zoo().counted.get())], socket);
    expect(of(zoo().spkt), {{"packets", nullptr}, {"drops", nullptr}, {"sk_drops", 0}});
}

TEST_F(Sockets, are_those_of_proc_net_packet_with_the_same_type_protocol_interface_and_state) {
    std::istringstream lines(zoo().proc);
    std::string line;
    std::getline(lines, line);
    std::vector<std::uint64_t> inodes;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string sk;
        int references = 0, type = 0, protocol = 0, ifindex = 0, running = 0;
        std::uint64_t rmem = 0, uid = 0, ino = 0;
        words >> sk >> references >> type >> std::hex >> protocol >> std::dec >> ifindex >> running >> rmem >> uid >>
            ino;
        ASSERT_TRUE(words) << line;
        inodes.push_back(ino);
        expect(of(ino), {{"sock_type", type},
                         {"protocol", protocol},
                         {"ifindex", ifindex},
                         {"running", running == 1},
                         {"rmem_alloc", rmem},
                         {"uid", uid}});
    }
    std::ranges::sort(inodes);
    EXPECT_EQ(inodes, inodes_in(inode_of("/proc/self/ns/net")));
    EXPECT_GE(inodes.size(), 17U);
}

TEST_F(Sockets, are_those_of_ss_and_no_other_with_the_same_of_everything_that_it_tells) {
    if (!missing_tool({"ss"}).empty()) GTEST_SKIP() << "ss is not here";
    EXPECT_EQ(zoo().ss.size(), 3U);
    for (const auto& [netns, ss] : zoo().ss) {
        ASSERT_EQ(ss.status, 0) << shown(ss);
        std::vector<std::uint64_t> inodes;
        for (const SsSocket& theirs : read_ss(ss.out)) {
            inodes.push_back(theirs.ino);
            expect_as_ss_says(theirs, of(theirs.ino));
        }
        std::ranges::sort(inodes);
        EXPECT_EQ(inodes, inodes_in(netns)) << shown(ss);
        EXPECT_FALSE(inodes.empty());
    }
}

TEST_F(Sockets, in_text_are_grouped_by_network_namespace_the_own_one_first) {
    const std::string& text = zoo().text.out;
    EXPECT_EQ(zoo().text.status, 0) << shown(zoo().text);
    EXPECT_TRUE(text.starts_with("PACKET SOCKETS  ")) << text;
    EXPECT_EQ(control_character(text), 0);
    const std::size_t own = text.find("NETNS " + std::to_string(inode_of("/proc/self/ns/net")) + "  sockray's own");
    const std::size_t other = text.find("NETNS " + std::to_string(zoo().abroad_netns));
    ASSERT_NE(own, std::string::npos) << text;
    ASSERT_NE(other, std::string::npos) << text;
    EXPECT_LT(own, other);
    for (const char* words :
         {"TPACKET_V1, 8 frames of 2048 bytes in 4 blocks of 4 KiB",
          "TPACKET_V3, 2 blocks of 64 KiB, retired after 77 ms", "group 4242, cpu + defrag, 2 members", "qdisc bypass",
          "3 multicast, 2 promisc, 1 allmulti"})
        EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
}

TEST_F(Sockets, are_refused_to_who_has_no_privileges_with_status_3) {
    RunOptions options;
    options.uid = 65534;
    const Completed done = sockray({"sockets"}, options);
    EXPECT_EQ(done.status, 3) << shown(done);
    EXPECT_EQ(done.out, "");
    EXPECT_NE(done.err.find("root"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace sockray::vm
