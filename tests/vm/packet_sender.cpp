// packet_sender: a program that sends through packet sockets in every way that sockray tells apart. It reports what the
// kernel answered to it, so that a test can hold that against what sockray says it answered.
//
// A line of the report (--report FILE, appended) for each call that sends: NAME PID TID RET ERRNO. Its exit status is 0
// whatever the kernel answered to a send; 1 where it could not do as it was told; 2 on wrong usage.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/vm/ring_race.h"
#include "tests/vm/uring.h"

namespace {

struct Options {
    std::string name = "packet_sender";
    std::string report;
    std::string type = "raw";
    std::string method = "sendto";
    std::string bind;
    std::string to;
    int protocol = 0;
    std::optional<int> to_index;
    std::optional<unsigned> address_length;
    std::size_t length = 60;
    std::uint64_t count = 1;
    std::uint64_t gap_us = 0;
    double seconds = 0;
    unsigned threads = 1;
    unsigned batch = 5;
    int sndbuf = 0;
    unsigned timeout_ms = 0;
    unsigned alarm_ms = 0;
    unsigned uid = 0;
    bool dont_wait = false;
    bool bypass = false;
    bool no_fcs = false;
    bool unmapped = false;
    std::vector<unsigned> malformed;
    unsigned malformed_each = 0;
    bool losing = false;
    std::string vnet;
    std::string bytes;
    int ethertype = ETH_P_802_EX1;
    std::optional<int> cmsg;
    bool daemon = false;
    bool new_netns = false;
};

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "packet_sender: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

// The destination address of every send; none where its length is 0.
struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;

    const sockaddr* pointer() const { return length ? reinterpret_cast<const sockaddr*>(&storage) : nullptr; }
};

Address address_of(const Options& options) {
    Address address;
    if (options.to.empty() && !options.to_index && !options.address_length) return address;
    if (options.type == "packet") {  // struct sockaddr_pkt: family, 14 bytes of name, protocol
        sockaddr to{};
        to.sa_family = AF_PACKET;
        options.to.copy(to.sa_data, sizeof to.sa_data - 1);
        std::memcpy(&address.storage, &to, sizeof to);
        address.length = sizeof(sockaddr) + sizeof(std::uint16_t);
    } else {
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_protocol = htons(static_cast<std::uint16_t>(options.bytes.empty() ? ETH_P_802_EX1 : options.ethertype));
        to.sll_ifindex = options.to_index.value_or(static_cast<int>(::if_nametoindex(options.to.c_str())));
        to.sll_halen = ETH_ALEN;
        std::memset(to.sll_addr, 0xff, ETH_ALEN);
        std::memcpy(&address.storage, &to, sizeof to);
        address.length = sizeof to;
    }
    address.length = options.address_length.value_or(address.length);
    return address;
}

std::vector<std::uint8_t> from_hex(const std::string& digits) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(at, 2), nullptr, 16)));
    return bytes;
}

std::vector<std::uint8_t> frame_of(const Options& options) {
    std::vector<std::uint8_t> frame(options.length, 0x5a);
    const std::vector<std::uint8_t> bytes = from_hex(options.bytes);
    const std::size_t header_length = options.type == "dgram" ? 0 : ETH_HLEN;
    std::vector<std::uint8_t> header = from_hex("ffffffffffff020000000001");
    header.push_back(static_cast<std::uint8_t>(options.ethertype >> 8));
    header.push_back(static_cast<std::uint8_t>(options.ethertype));
    std::copy_n(header.begin(), std::min(frame.size(), header_length), frame.begin());
    if (frame.size() > header_length)
        std::copy_n(bytes.begin(), std::min(bytes.size(), frame.size() - header_length),
                    frame.begin() + static_cast<std::ptrdiff_t>(header_length));
    const std::vector<std::uint8_t> vnet = from_hex(options.vnet);
    frame.insert(frame.begin(), vnet.begin(), vnet.end());
    return frame;
}

int open_socket(const Options& options) {
    static const std::map<std::string, int> types{
        {"raw", SOCK_RAW}, {"dgram", SOCK_DGRAM}, {"packet", SOCK_PACKET}, {"seqpacket", SOCK_SEQPACKET}};
    const int fd = ::socket(AF_PACKET, types.at(options.type), htons(static_cast<std::uint16_t>(options.protocol)));
    if (fd < 0) return fd;
    const int on = 1;
    if (options.bypass && ::setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0)
        die("PACKET_QDISC_BYPASS");
    if (!options.vnet.empty() && ::setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0)
        die("PACKET_VNET_HDR");
    if (options.no_fcs && ::setsockopt(fd, SOL_SOCKET, SO_NOFCS, &on, sizeof on) != 0) die("SO_NOFCS");
    if (options.sndbuf && ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.sndbuf, sizeof options.sndbuf) != 0)
        die("SO_SNDBUF");
    if (options.timeout_ms) {
        const timeval timeout{options.timeout_ms / 1000, options.timeout_ms % 1000 * 1000};
        if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) die("SO_SNDTIMEO");
    }
    if (!options.bind.empty()) {
        sockaddr_ll own{};
        own.sll_family = AF_PACKET;
        own.sll_protocol = htons(static_cast<std::uint16_t>(options.protocol));
        own.sll_ifindex = static_cast<int>(::if_nametoindex(options.bind.c_str()));
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) die("bind");
    }
    return fd;
}

// A TX ring whose frames all wait to be sent; one call takes them all.
void fill_ring(int fd, const Options& options) {
    const auto frame_size = std::max(2048U, std::bit_ceil(static_cast<unsigned>(options.length) + 64));
    const unsigned block_size = std::max(4096U, frame_size);
    const unsigned per_block = block_size / frame_size;
    const int version = TPACKET_V2;
    if (::setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0) die("PACKET_VERSION");
    const int losing = options.losing;
    if (::setsockopt(fd, SOL_PACKET, PACKET_LOSS, &losing, sizeof losing) != 0) die("PACKET_LOSS");
    tpacket_req request{};
    request.tp_block_size = block_size;
    request.tp_frame_size = frame_size;
    request.tp_block_nr = (options.batch + per_block - 1) / per_block;
    request.tp_frame_nr = request.tp_block_nr * per_block;
    if (::setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request) != 0) die("PACKET_TX_RING");
    void* ring =
        ::mmap(nullptr, std::size_t{request.tp_block_nr} * block_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED) die("mmap");
    const std::vector<std::uint8_t> frame = frame_of(options);
    for (unsigned i = 0; i < options.batch; i++) {
        auto* slot = static_cast<std::uint8_t*>(ring) + std::size_t{i} * frame_size;
        auto* header = reinterpret_cast<tpacket2_hdr*>(slot);
        const bool malformed = std::ranges::count(options.malformed, i) != 0;
        header->tp_len = static_cast<std::uint32_t>(malformed ? request.tp_frame_size : frame.size());
        std::copy(frame.begin(), frame.end(), slot + TPACKET2_HDRLEN - sizeof(sockaddr_ll));
        header->tp_status = TP_STATUS_SEND_REQUEST;
    }
}

int file_of(std::span<const std::uint8_t> frame) {
    const int file = ::memfd_create("frame", MFD_CLOEXEC);
    if (file < 0 || ::write(file, frame.data(), frame.size()) != static_cast<ssize_t>(frame.size())) die("memfd");
    return file;
}

// A control message of SOL_SOCKET with a number in it.
struct Control {
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> bytes{};
};

Control control_of(const Options& options) {
    Control control;
    const int value = 7;
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(sizeof value);
    header.cmsg_level = SOL_SOCKET;
    header.cmsg_type = options.cmsg.value_or(0);
    std::memcpy(control.bytes.data(), &header, sizeof header);
    std::memcpy(control.bytes.data() + CMSG_LEN(0), &value, sizeof value);
    return control;
}

// One call of the chosen kind on the socket.
std::function<long()> call_of(const Options& options, int fd) {
    const auto frame = std::make_shared<std::vector<std::uint8_t>>(frame_of(options));
    const auto address = std::make_shared<Address>(address_of(options));
    const int flags = options.dont_wait ? MSG_DONTWAIT : 0;
    const auto half = std::min<std::size_t>(frame->size(), ETH_HLEN);
    const auto parts = std::make_shared<std::vector<iovec>>(
        std::vector<iovec>{{frame->data(), half}, {frame->data() + half, frame->size() - half}});
    msghdr message{};
    message.msg_name = const_cast<sockaddr*>(address->pointer());
    message.msg_namelen = address->length;
    message.msg_iov = parts->data();
    message.msg_iovlen = parts->size();
    const auto control = std::make_shared<Control>(control_of(options));
    if (options.cmsg) {
        message.msg_control = control->bytes.data();
        message.msg_controllen = control->bytes.size();
    }

    if (options.method == "send") return [=] { return ::send(fd, frame->data(), frame->size(), flags); };
    if (options.method == "write") return [=] { return ::write(fd, frame->data(), frame->size()); };
    // What `message` and `parts` point to lives as long as the call does.
    if (options.method == "writev") return [=] { return frame ? ::writev(fd, parts->data(), 2) : -1; };
    if (options.method == "sendmsg")
        return [=] { return frame && address && parts && control ? ::sendmsg(fd, &message, flags) : -1; };
    if (options.method == "sendmmsg") {
        const auto many = std::make_shared<std::vector<mmsghdr>>(options.batch, mmsghdr{message, 0});
        return [=] {
            return frame && address && parts
                       ? long{::sendmmsg(fd, many->data(), static_cast<unsigned>(many->size()), flags)}
                       : -1L;
        };
    }
    if (options.method == "sendfile") {
        const int file = file_of(*frame);
        return [=] {
            off_t start = 0;
            return ::sendfile(fd, file, &start, frame->size());
        };
    }
    if (options.method.starts_with("uring")) {
        const auto ring = std::make_shared<sockray::vm::Uring>();
        if (!ring->open()) die("io_uring");
        const bool worker = options.method == "uring-worker";
        if (options.method == "uring-send")
            return [=] { return ring->send(fd, frame->data(), frame->size(), flags, worker); };
        return [=] { return address && parts ? ring->sendmsg(fd, &message, flags, worker) : -1; };
    }
    if (options.method == "ring") {
        fill_ring(fd, options);
        return [=] { return ::sendto(fd, nullptr, 0, flags, address->pointer(), address->length); };
    }
    const auto* bytes = options.unmapped ? nullptr : frame->data();
    return [=] { return ::sendto(fd, bytes, frame->size(), flags, address->pointer(), address->length); };
}

// A signal that only interrupts.
void set_alarm(unsigned ms) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval once{{0, 0}, {ms / 1000, static_cast<suseconds_t>(ms % 1000) * 1000}};
    ::setitimer(ITIMER_REAL, &once, nullptr);
}

// What one thread does; its report as text.
std::string send_all(const Options& options) {
    const int fd = open_socket(options);
    std::string report;
    const auto add = [&](long ret, int err) {
        report += options.name + ' ' + std::to_string(::getpid()) + ' ' + std::to_string(::gettid()) + ' ' +
                  std::to_string(ret) + ' ' + std::to_string(err) + '\n';
    };
    if (fd < 0) {
        add(-1, errno);
        return report;
    }
    const std::function<long()> call = call_of(options, fd);
    if (options.alarm_ms) set_alarm(options.alarm_ms);
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
    const auto over = [&](std::uint64_t sent) {
        return options.seconds > 0 ? std::chrono::steady_clock::now() >= end : sent >= options.count;
    };
    for (std::uint64_t sent = 0; !over(sent); sent++) {
        const long ret = call();
        if (!options.report.empty()) add(ret, ret < 0 ? errno : 0);
        if (options.gap_us) ::usleep(static_cast<useconds_t>(options.gap_us));
    }
    ::close(fd);
    return report;
}

void append(const std::string& path, const std::string& text) {
    if (path.empty()) return;
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) die(path);
    ::close(fd);
}

// Makes the report while that is still allowed.
void open_to_all(const std::string& path) {
    append(path, "");
    if (!path.empty() && ::chmod(path.c_str(), 0666) != 0) die(path);
}

int send_from_all_threads(const Options& options) {
    std::vector<std::string> reports(options.threads);
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < options.threads; i++) threads.emplace_back([&, i] { reports[i] = send_all(options); });
    reports[0] = send_all(options);
    for (std::thread& thread : threads) thread.join();
    for (const std::string& report : reports) append(options.report, report);
    return 0;
}

// One ring for all threads. Its line of the report has the frames in place of RET, and those malformed in that of
// ERRNO.
int race_on_a_ring(const Options& options) {
    const int fd = open_socket(options);
    sockray::vm::RaceResult result;
    if (fd < 0 || !sockray::vm::race(fd, {options.threads, options.count, options.malformed_each}, result))
        die("a TX ring");
    if (result.left) die("frames were left in the ring");
    append(options.report, options.name + ' ' + std::to_string(::getpid()) + ' ' + std::to_string(::gettid()) + ' ' +
                               std::to_string(result.frames) + ' ' + std::to_string(result.malformed) + '\n');
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Sends through packet sockets, in every way there is, and reports what the kernel answered.");
    app.add_option("--name", options.name, "the task's name");
    app.add_option("--report", options.report, "append a line a call: NAME PID TID RET ERRNO");
    app.add_option("--type", options.type)->check(CLI::IsMember({"raw", "dgram", "packet", "seqpacket"}));
    app.add_option("--protocol", options.protocol, "of socket() and bind(), host byte order");
    app.add_option("--method", options.method)
        ->check(CLI::IsMember({"sendto", "send", "sendmsg", "sendmmsg", "write", "writev", "sendfile", "ring",
                               "ring-race", "uring-send", "uring-sendmsg", "uring-worker"}));
    app.add_option("--bind", options.bind, "bind to this interface");
    app.add_option("--to", options.to, "name this interface in the destination address");
    app.add_option("--to-index", options.to_index, "the same by an index, which need not exist");
    app.add_option("--address-length", options.address_length, "give this length of the address");
    app.add_option("--length", options.length, "bytes to send");
    app.add_option("--ethertype", options.ethertype, "of the frame");
    app.add_option("--bytes", options.bytes, "what follows the Ethernet header, in hex digits");
    app.add_option("--cmsg", options.cmsg, "sendmsg: a control message of SOL_SOCKET and this type");
    app.add_option("--count", options.count, "calls");
    app.add_option("--seconds", options.seconds, "send for so long instead");
    app.add_option("--gap-us", options.gap_us, "rest between the calls");
    app.add_option("--threads", options.threads, "each with a socket of its own; of ring-race all on one ring");
    app.add_option("--batch", options.batch, "frames a call of sendmmsg and ring");
    app.add_option("--sndbuf", options.sndbuf, "SO_SNDBUF");
    app.add_option("--timeout-ms", options.timeout_ms, "SO_SNDTIMEO");
    app.add_option("--alarm-ms", options.alarm_ms, "a signal comes after so long, and is caught");
    app.add_option("--uid", options.uid, "become this user first, without any capability");
    app.add_flag("--dontwait", options.dont_wait, "MSG_DONTWAIT");
    app.add_flag("--bypass", options.bypass, "PACKET_QDISC_BYPASS");
    app.add_flag("--nofcs", options.no_fcs, "SO_NOFCS");
    app.add_flag("--unmapped", options.unmapped, "sendto: the frame is where no memory is");
    app.add_option("--malformed", options.malformed, "the ring's frames of these numbers are longer than their slots")
        ->delimiter(',');
    app.add_option("--malformed-each", options.malformed_each, "ring-race: every so many frames one is malformed");
    app.add_flag("--losing", options.losing, "a ring with PACKET_LOSS: what is malformed is passed over");
    app.add_option("--vnet", options.vnet,
                   "PACKET_VNET_HDR: this header of virtio-net before the frame, in hex digits");
    app.add_flag("--new-netns", options.new_netns, "in a network namespace of its own, where lo is down");
    app.add_flag("--daemon", options.daemon, "detach first, as daemons do");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (options.daemon && ::daemon(1, 1) != 0) die("daemon");
    if (options.new_netns && ::unshare(CLONE_NEWNET) != 0) die("unshare");
    if (options.uid) open_to_all(options.report);
    if (options.uid && ::setuid(options.uid) != 0) die("setuid");
    ::prctl(PR_SET_NAME, options.name.c_str());
    return options.method == "ring-race" ? race_on_a_ring(options) : send_from_all_threads(options);
}
