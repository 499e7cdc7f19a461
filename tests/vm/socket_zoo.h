// A packet socket of each kind, and what sockray, ss and /proc/net/packet say of them.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/vm/network.h"
#include "tests/vm/process.h"
#include "tests/vm/records.h"
#include "tests/vm/ss.h"
#include "user/base/fd.h"

namespace sockray::vm {

inline constexpr int ethertype = 0x88b5;  // for local experiments: nobody else sends it

inline void must(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

inline std::uint64_t inode_of(int fd) {
    struct stat info {};
    must(::fstat(fd, &info) == 0, "fstat");
    return info.st_ino;
}

inline std::uint64_t inode_of(const char* path) {
    struct stat info {};
    must(::stat(path, &info) == 0, path);
    return info.st_ino;
}

inline Fd open_socket(int type, int protocol, const char* device = nullptr) {
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

inline int get(const Fd& fd, int option) {
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

// A network namespace that has a name, and in which no process is. Its one socket, on lo, is in flight.
class NamedNetns {
  public:
    explicit NamedNetns(const std::string& name) : path_("/run/netns/" + name) {
        ::mkdir("/run/netns", 0755);
        write_file(path_, "");
        socket_ = std::async(std::launch::async, [this] {
                      must(::unshare(CLONE_NEWNET) == 0, "unshare");
                      must(::mount("/proc/thread-self/ns/net", path_.c_str(), nullptr, MS_BIND, nullptr) == 0, "mount");
                      return std::make_unique<InFlight>(open_socket(SOCK_DGRAM, ETH_P_LOOPBACK, "lo"));
                  }).get();
    }
    ~NamedNetns() {
        ::umount2(path_.c_str(), MNT_DETACH);
        ::unlink(path_.c_str());
    }
    NamedNetns(const NamedNetns&) = delete;
    NamedNetns& operator=(const NamedNetns&) = delete;

    const std::string& path() const { return path_; }
    std::uint64_t netns() const { return inode_of(path_.c_str()); }
    std::uint64_t ino() const { return socket_->ino(); }

  private:
    std::string path_;
    std::unique_ptr<InFlight> socket_;
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
    InFlight furnished_in_flight{furnished()};
    InFlight counted_in_flight{small_receiver()};
    InFlight crowded_in_flight{crowded()};  // behind the others: sock_diag's answer ends at it
    NamedNetns named{"sockray-zoo"};
    std::unique_ptr<Child> sharer;  // holds `shared` too
    std::unique_ptr<Child> abroad;  // in a network namespace of its own; answers with the inode of its socket
    std::uint64_t abroad_netns = 0;
    tpacket_stats statistics{};  // of `counted`, as getsockopt(PACKET_STATISTICS) has them afterwards

    Completed json;
    Completed json_again;
    Completed text;
    std::map<std::uint64_t, Completed> ss;  // by network namespace
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

    // One with something for each answer that sock_diag has. It takes no frames.
    static Fd furnished() {
        Fd fd = open_socket(SOCK_RAW, ethertype, "veth1");
        sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, 0}};
        set(fd, SO_ATTACH_FILTER, sock_fprog{1, code}, SOL_SOCKET);
        set(fd, PACKET_VERSION, int{TPACKET_V2});
        for (const int option : {PACKET_VNET_HDR, PACKET_LOSS, PACKET_AUXDATA, PACKET_ORIGDEV}) set(fd, option, 1);
        set(fd, PACKET_RESERVE, 32U);
        set(fd, PACKET_COPY_THRESH, 123);
        set(fd, PACKET_TIMESTAMP, int{SOF_TIMESTAMPING_RAW_HARDWARE});
        set(fd, PACKET_RX_RING, tpacket_req{4096, 3, 2048, 6});
        set(fd, PACKET_TX_RING, tpacket_req{8192, 2, 2048, 8});
        set(fd, PACKET_FANOUT, 777 | (PACKET_FANOUT_LB | PACKET_FANOUT_FLAG_DEFRAG) << 16);
        packet_mreq member{static_cast<int>(::if_nametoindex("veth1")), PACKET_MR_PROMISC, 0, {}};
        for (int i = 0; i < 3; i++) set(fd, PACKET_ADD_MEMBERSHIP, member);
        set(fd, SO_SNDBUF, 60000, SOL_SOCKET);
        set(fd, SO_RCVBUF, 40000, SOL_SOCKET);
        return fd;
    }

    static Fd small_receiver() {
        Fd fd = open_socket(SOCK_RAW, ethertype, "veth1");
        set(fd, SO_RCVBUF, 1, SOL_SOCKET);
        return fd;
    }

    // Its memberships are more than an answer of sock_diag has room for, 32 KiB.
    static Fd crowded() {
        Fd fd = open_socket(SOCK_RAW, 0, "veth1");
        packet_mreq member{static_cast<int>(::if_nametoindex("veth1")), PACKET_MR_MULTICAST, 6, {1}};
        for (int i = 0; i < 1000; i++) {
            member.mr_address[4] = static_cast<unsigned char>(i / 256);
            member.mr_address[5] = static_cast<unsigned char>(i);
            set(fd, PACKET_ADD_MEMBERSHIP, member);
        }
        return fd;
    }

    // More than the receive buffers of `counted` and counted_in_flight take.
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
        const std::string theirs = "/proc/" + std::to_string(abroad->pid()) + "/ns/net";
        if (missing_tool({"ss"}).empty())
            for (const std::string& netns : {std::string("/proc/self/ns/net"), theirs, named.path()})
                ss[inode_of(netns.c_str())] = run_ss_in(netns);
        text = sockray({"sockets"});
        json_again = sockray({"sockets", "--json"});
        beside.join();
        socklen_t length = sizeof statistics;
        must(::getsockopt(counted.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length) == 0, "statistics");
        by_inode = read(json);
    }

    static Completed run_ss_in(const std::string& netns) {
        const Fd there(::open(netns.c_str(), O_RDONLY | O_CLOEXEC));
        must(static_cast<bool>(there), netns.c_str());
        RunOptions options;
        options.in_child = [&there] { ::setns(there.get(), CLONE_NEWNET); };
        return run_ss(options);
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

}  // namespace sockray::vm
