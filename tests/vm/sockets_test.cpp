// sockray sockets: every packet socket of the system, held against what the test set with setsockopt(2), against
// /proc/net/packet and against `ss -0`.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"
#include "user/base/fd.h"

namespace sockray::vm {
namespace {

constexpr int ethertype = 0x88b5;  // for local experiments: nobody else sends it

void must(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

std::uint64_t inode_of(int fd) {
    struct stat info {};
    must(::fstat(fd, &info) == 0, "fstat");
    return info.st_ino;
}

std::uint64_t inode_of(const char* path) {
    struct stat info {};
    must(::stat(path, &info) == 0, path);
    return info.st_ino;
}

Fd open_socket(int type, int protocol, const char* device = nullptr) {
    Fd fd(::socket(AF_PACKET, type | SOCK_CLOEXEC, htons(static_cast<std::uint16_t>(protocol))));
    must(static_cast<bool>(fd), "socket");
    if (!device) return fd;
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(static_cast<std::uint16_t>(protocol));
    address.sll_ifindex = static_cast<int>(::if_nametoindex(device));
    must(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
    return fd;
}

template <typename T>
void set(const Fd& fd, int option, const T& value, int level = SOL_PACKET) {
    must(::setsockopt(fd.get(), level, option, &value, sizeof value) == 0, "setsockopt");
}

int get(const Fd& fd, int option) {
    int value = 0;
    socklen_t length = sizeof value;
    must(::getsockopt(fd.get(), SOL_SOCKET, option, &value, &length) == 0, "getsockopt");
    return value;
}

// A child that does something and then waits until the object goes. It tells its answer in one number, and keeps of our
// descriptors only `kept`.
class Child {
  public:
    explicit Child(int kept, const std::function<std::uint64_t()>& work) {
        int ends[2];
        must(::pipe(ends) == 0, "pipe");
        const Fd reading(ends[0]);
        Fd writing(ends[1]);
        pid_ = ::fork();
        must(pid_ >= 0, "fork");
        if (pid_ == 0) {
            for (int fd = 3; fd < 1024; fd++)
                if (fd != kept && fd != writing.get()) ::close(fd);
            const std::uint64_t answer = work();
            if (::write(writing.get(), &answer, sizeof answer) != sizeof answer) ::_exit(1);
            for (;;) ::pause();
        }
        writing.reset();
        must(::read(reading.get(), &answer_, sizeof answer_) == sizeof answer_, "child");
    }
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    std::uint64_t answer() const { return answer_; }

  private:
    pid_t pid_ = -1;
    std::uint64_t answer_ = 0;
};

// Sends a descriptor into a socket pair, where it stays.
class InFlight {
  public:
    explicit InFlight(Fd cargo) : ino_(inode_of(cargo.get())) {
        int ends[2];
        must(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
        from_ = Fd(ends[0]);
        to_ = Fd(ends[1]);
        char byte = 'x';
        iovec data{&byte, 1};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        const int fd = cargo.get();
        std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
        must(::sendmsg(from_.get(), &message, 0) == 1, "sendmsg");
    }
    std::uint64_t ino() const { return ino_; }

  private:
    std::uint64_t ino_;
    Fd from_;
    Fd to_;
};

// A socket of each kind, all open while sockray, ss and /proc/net/packet are read once.
struct Zoo {
    Fd raw_closed = open_socket(SOCK_RAW, 0);
    Fd raw_any = open_socket(SOCK_RAW, ethertype);
    Fd dgram = open_socket(SOCK_DGRAM, ETH_P_IP, "veth0");
    Fd spkt = open_socket(SOCK_PACKET, ETH_P_ARP);
    Fd rx_v1 = open_socket(SOCK_RAW, ethertype, "veth0");
    Fd rx_v2 = open_socket(SOCK_RAW, ethertype, "veth0");
    Fd rx_v3 = open_socket(SOCK_RAW, ethertype, "veth0");
    Fd tx_v2 = open_socket(SOCK_RAW, 0, "veth0");
    Fd tx_v3 = open_socket(SOCK_RAW, 0, "veth0");
    Fd fanout_a = open_socket(SOCK_RAW, ethertype, "veth0");
    Fd fanout_b = open_socket(SOCK_RAW, ethertype, "veth0");
    Fd bypass = open_socket(SOCK_RAW, 0, "veth0");
    Fd options = open_socket(SOCK_RAW, ethertype, "veth0");
    Fd filtered = open_socket(SOCK_RAW, ethertype, "veth0");
    Fd shared = open_socket(SOCK_RAW, 0, "lo");
    Fd twice{::fcntl(shared.get(), F_DUPFD_CLOEXEC, 100)};
    Fd counted = open_socket(SOCK_RAW, ethertype, "veth1");
    Fd gone;
    InFlight in_flight{open_socket(SOCK_DGRAM, ETH_P_ARP, "veth1")};
    std::unique_ptr<Child> sharer;  // holds `shared` too
    std::unique_ptr<Child> abroad;  // in a network namespace of its own; answers with the inode of its socket
    std::uint64_t abroad_netns = 0;
    tpacket_stats statistics{};  // of `counted`, as getsockopt(PACKET_STATISTICS) has them afterwards

    Completed json;
    Completed json_again;
    Completed text;
    Completed ss;
    std::string proc;
    std::map<std::uint64_t, Json> by_inode;

    Zoo() {
        bind_spkt();
        set_rings();
        set_options();
        send_frames();
        {
            const VethPair pair("vgone");
            gone = open_socket(SOCK_RAW, ethertype, "vgone0");
        }
        sharer = std::make_unique<Child>(shared.get(), [] { return std::uint64_t{0}; });
        abroad = std::make_unique<Child>(-1, [] {
            if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
            static const Fd held = open_socket(SOCK_DGRAM, ETH_P_IPV6, "lo");
            return inode_of(held.get());
        });
        abroad_netns = inode_of(("/proc/" + std::to_string(abroad->pid()) + "/ns/net").c_str());
        list();
    }

    void bind_spkt() const {
        sockaddr address{};
        address.sa_family = AF_PACKET;
        std::strcpy(address.sa_data, "veth0");
        must(::bind(spkt.get(), &address, sizeof address) == 0, "bind SOCK_PACKET");
    }

    void set_rings() const {
        set(rx_v1, PACKET_VERSION, int{TPACKET_V1});
        set(rx_v1, PACKET_RX_RING, tpacket_req{4096, 4, 2048, 8});
        set(rx_v2, PACKET_VERSION, int{TPACKET_V2});
        set(rx_v2, PACKET_RX_RING, tpacket_req{8192, 3, 4096, 6});
        set(rx_v3, PACKET_VERSION, int{TPACKET_V3});
        set(rx_v3, PACKET_RX_RING, tpacket_req3{65536, 2, 2048, 64, 77, 0, 0});
        set(tx_v2, PACKET_VERSION, int{TPACKET_V2});
        set(tx_v2, PACKET_LOSS, 1);
        set(tx_v2, PACKET_TX_HAS_OFF, 1);
        set(tx_v2, PACKET_RX_RING, tpacket_req{4096, 1, 1024, 4});
        set(tx_v2, PACKET_TX_RING, tpacket_req{16384, 2, 2048, 16});
        set(tx_v3, PACKET_VERSION, int{TPACKET_V3});
        set(tx_v3, PACKET_TX_RING, tpacket_req3{4096, 5, 2048, 10, 0, 0, 0});
    }

    void set_options() const {
        for (const Fd* fd : {&fanout_a, &fanout_b})
            set(*fd, PACKET_FANOUT, 4242 | (PACKET_FANOUT_CPU | PACKET_FANOUT_FLAG_DEFRAG) << 16);
        set(bypass, PACKET_QDISC_BYPASS, 1);
        set(options, PACKET_AUXDATA, 1);
        set(options, PACKET_ORIGDEV, 1);
        set(options, PACKET_VNET_HDR, 1);
        set(options, PACKET_COPY_THRESH, 300);
        set(options, PACKET_TIMESTAMP, int{SOF_TIMESTAMPING_RAW_HARDWARE});
        set(options, PACKET_RESERVE, 64U);
        set(options, PACKET_IGNORE_OUTGOING, 1);
        set(options, SO_SNDBUF, 70000, SOL_SOCKET);
        set(options, SO_RCVBUF, 50000, SOL_SOCKET);
        packet_mreq member{static_cast<int>(::if_nametoindex("veth0")), PACKET_MR_PROMISC, 0, {}};
        set(options, PACKET_ADD_MEMBERSHIP, member);
        set(options, PACKET_ADD_MEMBERSHIP, member);
        member.mr_type = PACKET_MR_ALLMULTI;
        set(options, PACKET_ADD_MEMBERSHIP, member);
        member.mr_type = PACKET_MR_MULTICAST;
        member.mr_alen = 6;
        member.mr_address[0] = 1;
        for (unsigned char last = 0; last < 3; last++) {
            member.mr_address[5] = last;
            set(options, PACKET_ADD_MEMBERSHIP, member);
        }
        sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, 0xffff}};
        set(filtered, SO_ATTACH_FILTER, sock_fprog{1, code}, SOL_SOCKET);
    }

    // More than the receive buffer of `counted` takes.
    void send_frames() const {
        set(counted, SO_RCVBUF, 1, SOL_SOCKET);
        const Fd sender = open_socket(SOCK_RAW, 0, "veth0");
        unsigned char frame[1000] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,           2,
                                     0,    0,    0,    0,    1,    ethertype >> 8, ethertype & 255};
        for (int i = 0; i < 50; i++) must(::send(sender.get(), frame, sizeof frame, 0) == sizeof frame, "send");
        ::usleep(300'000);
    }

    void list() {
        std::thread beside([] { ::usleep(2'000'000); });  // a process of several threads is still one process
        json = sockray({"sockets", "--json"});
        proc = read_file("/proc/net/packet");
        if (missing_tool({"ss"}).empty()) ss = run({"ss", "-0", "-a", "-n", "-e"});
        text = sockray({"sockets"});
        json_again = sockray({"sockets", "--json"});
        beside.join();
        socklen_t length = sizeof statistics;
        must(::getsockopt(counted.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0, "statistics");
        by_inode = read(json);
    }

    static std::map<std::uint64_t, Json> read(const Completed& done) {
        std::map<std::uint64_t, Json> lines;
        std::istringstream all(done.out);
        for (std::string line; std::getline(all, line);) {
            const Json socket = Json::parse(line, nullptr, false);
            if (socket.is_object()) lines[socket.value("ino", std::uint64_t{0})] = socket;
        }
        return lines;
    }
};

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

    // The inodes that sockray lists in the tests' network namespace.
    static std::vector<std::uint64_t> inodes_here() {
        const std::uint64_t netns = inode_of("/proc/self/ns/net");
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

TEST_F(Sockets, that_no_process_holds_are_listed_with_what_proc_says_of_them) {
    expect(of(zoo().in_flight.ino()), {{"processes", Json::array()},
                                       {"sock_type", SOCK_DGRAM},
                                       {"protocol", ETH_P_ARP},
                                       {"ifname", "veth1"},
                                       {"running", true},
                                       {"sndbuf", nullptr}});
    EXPECT_NE(zoo().text.out.find(", 1 held by no process"), std::string::npos) << zoo().text.out;
}

Json ring(int version, int block_nr, int block_size, int frame_nr, int frame_size) {
    return {{"version", version},
            {"block_nr", block_nr},
            {"block_size", block_size},
            {"frame_nr", frame_nr},
            {"frame_size", frame_size}};
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
    EXPECT_EQ(inodes, inodes_here());
    EXPECT_GE(inodes.size(), 17U);
}

// "ring_rx(blk_size:4096,blk_nr:4,frm_size:2048,frm_nr:8" of a ring, "" without.
std::string ss_ring(const char* name, const Json& ring) {
    if (!ring.is_object()) return "";
    const auto part = [&ring](const char* key) { return std::to_string(ring.value(key, 0)); };
    return std::string(name) + "(blk_size:" + part("block_size") + ",blk_nr:" + part("block_nr") +
           ",frm_size:" + part("frame_size") + ",frm_nr:" + part("frame_nr") + ",";
}

// What `ss -0 -a -n -e` says of one socket: a line that does not begin with a blank, and those below it.
struct SsSocket {
    std::string kind;   // "p_raw", "p_dgr"
    std::string local;  // "[2048]:veth0"
    std::uint64_t ino = 0;
    std::string details;
};

std::vector<SsSocket> read_ss(const std::string& text) {
    std::vector<SsSocket> sockets;
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        if (line.starts_with("p_")) {
            SsSocket socket;
            std::string state, received, sent;
            std::istringstream(line) >> socket.kind >> state >> received >> sent >> socket.local;
            const std::size_t ino = line.find("ino:");
            if (ino != std::string::npos) socket.ino = std::strtoull(line.c_str() + ino + 4, nullptr, 10);
            sockets.push_back(socket);
        } else if (!sockets.empty()) {
            sockets.back().details += line;
        }
    }
    return sockets;
}

TEST_F(Sockets, are_those_of_ss_with_the_same_type_protocol_interface_rings_and_fanout) {
    if (!missing_tool({"ss"}).empty()) GTEST_SKIP() << "ss is not here";
    ASSERT_EQ(zoo().ss.status, 0) << shown(zoo().ss);
    std::vector<std::uint64_t> inodes;
    for (const SsSocket& theirs : read_ss(zoo().ss.out)) {
        inodes.push_back(theirs.ino);
        const Json ours = of(theirs.ino);
        EXPECT_EQ(theirs.kind, ours.value("sock_type", 0) == SOCK_RAW ? "p_raw" : "p_dgr");
        const int ifindex = ours.value("ifindex", 0);  // ss takes -1 for an unsigned number
        const std::string ifname = ifindex == 0               ? "*"
                                   : ours["ifname"].is_null() ? "if" + std::to_string(static_cast<unsigned>(ifindex))
                                                              : ours["ifname"].get<std::string>();
        EXPECT_EQ(theirs.local, "[" + std::to_string(ours.value("protocol", 0)) + "]:" + ifname);
        const auto says = [&theirs](const std::string& words) {
            return theirs.details.find(words) != std::string::npos;
        };
        EXPECT_EQ(says(" running "), ours.value("running", false)) << theirs.details;
        if (ours["processes"].empty()) continue;  // /proc says no more of it
        for (const char* name : {"ring_rx", "ring_tx"}) {
            const Json& ring = ours[std::string(name) == "ring_rx" ? "rx_ring" : "tx_ring"];
            EXPECT_EQ(says(name), ring.is_object()) << theirs.details;
            EXPECT_TRUE(says(ss_ring(name, ring))) << theirs.details << "\n" << ring;
        }
        EXPECT_EQ(says("fanout("), ours["fanout"].is_object()) << theirs.details;
        if (ours["fanout"].is_object()) {
            EXPECT_TRUE(says("id:4242,type:cpu")) << theirs.details;
        }
    }
    std::ranges::sort(inodes);
    EXPECT_EQ(inodes, inodes_here());
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
