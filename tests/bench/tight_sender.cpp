// tight_sender: sends through packet sockets in a loop that does nothing else, and says what a send took. The clock is
// read once a batch, so it is no part of it; what is reported is the batches' median, which a timer tick does not move.
//
// With --rate it sleeps between batches, which is in no batch's time either.
//
// Prints one JSON object: the threads' sums, and per send the sender's own CPU time (`cpu_ns`: CLOCK_THREAD_CPUTIME_ID)
// and the time that went by (`wall_ns`), each as median and quartiles over the batches of all threads.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Options {
    std::string interface;
    std::uint64_t sends = 1000;
    std::uint64_t batches = 10;
    double seconds = 0;
    double rate = 0;  // sends a second of each thread; 0: as fast as it can
    unsigned threads = 1;
    unsigned sockets = 1;
    std::size_t length = 60;
    bool pin = false;
    bool bypass = false;
};

struct Batch {
    double cpu_ns = 0;   // a send
    double wall_ns = 0;  // a send
};

// What one thread has done.
struct Done {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;
    std::uint64_t cpu_ns = 0;
    std::vector<Batch> batches;
};

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "tight_sender: %s: %s\n", what.c_str(), std::strerror(errno));
    std::exit(1);
}

std::uint64_t now(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

void sleep_until(std::uint64_t ns) {
    const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
    }
}

int open_socket(const Options& options) {
    const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0) die("socket");
    const int on = 1;
    if (options.bypass && ::setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0)
        die("PACKET_QDISC_BYPASS");
    sockaddr_ll own{};
    own.sll_family = AF_PACKET;
    own.sll_ifindex = static_cast<int>(::if_nametoindex(options.interface.c_str()));
    if (own.sll_ifindex == 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
        die("bind to " + options.interface);
    return fd;
}

// With `pin`, thread N stays on the Nth CPU that the process may use.
void pin_to(unsigned index) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    unsigned left = index % static_cast<unsigned>(CPU_COUNT(&allowed));
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed) || left-- > 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        ::sched_setaffinity(0, sizeof one, &one);
        return;
    }
}

Done send_all(const Options& options, unsigned index, const std::atomic<bool>& go) {
    constexpr std::size_t most_batches = 100'000;
    if (options.pin) pin_to(index);
    std::vector<int> sockets;
    for (unsigned i = 0; i < options.sockets; i++) sockets.push_back(open_socket(options));
    std::vector<std::uint8_t> frame(options.length, 0x5a);
    constexpr std::array<std::uint8_t, ETH_HLEN> header{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
                                                        0,    0,    0,    0,    1,    0x88, 0xb5};
    std::copy_n(header.begin(), std::min(header.size(), frame.size()), frame.begin());
    Done done;
    done.batches.reserve(std::min<std::size_t>(most_batches, options.seconds > 0 ? most_batches : options.batches));
    while (!go.load()) ::sched_yield();
    const std::uint64_t begun = now(CLOCK_MONOTONIC);
    const std::uint64_t cpu_begun = now(CLOCK_THREAD_CPUTIME_ID);
    std::size_t next = 0;
    for (std::uint64_t batch = 0;; batch++) {
        const std::uint64_t wall = now(CLOCK_MONOTONIC);
        const std::uint64_t cpu = now(CLOCK_THREAD_CPUTIME_ID);
        if (options.seconds > 0 ? static_cast<double>(wall - begun) >= options.seconds * 1e9 : batch >= options.batches)
            break;
        for (std::uint64_t i = 0; i < options.sends; i++) {
            const ssize_t ret = ::sendto(sockets[next], frame.data(), frame.size(), 0, nullptr, 0);
            if (++next == sockets.size()) next = 0;
            if (ret < 0)
                done.failed++;
            else
                done.sent++;
        }
        const auto sends = static_cast<double>(options.sends);
        if (done.batches.size() < most_batches)
            done.batches.push_back({static_cast<double>(now(CLOCK_THREAD_CPUTIME_ID) - cpu) / sends,
                                    static_cast<double>(now(CLOCK_MONOTONIC) - wall) / sends});
        if (options.rate > 0)
            sleep_until(begun +
                        static_cast<std::uint64_t>(static_cast<double>(batch + 1) * sends / options.rate * 1e9));
    }
    done.cpu_ns = now(CLOCK_THREAD_CPUTIME_ID) - cpu_begun;
    for (const int fd : sockets) ::close(fd);
    return done;
}

std::string spread(std::vector<double> values) {
    std::ranges::sort(values);
    const auto at = [&](double share) {
        return values.empty() ? 0.0 : values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
    };
    std::array<char, 200> text{};
    std::snprintf(text.data(), text.size(), R"({"median":%.1f,"low":%.1f,"high":%.1f})", at(0.5), at(0.25), at(0.75));
    return text.data();
}

void report(const std::vector<Done>& all, double seconds) {
    Done sum;
    std::vector<double> cpu;
    std::vector<double> wall;
    for (const Done& done : all) {
        sum.sent += done.sent;
        sum.failed += done.failed;
        sum.cpu_ns += done.cpu_ns;
        for (const Batch& batch : done.batches) {
            cpu.push_back(batch.cpu_ns);
            wall.push_back(batch.wall_ns);
        }
    }
    std::printf(R"({"sent":%llu,"failed":%llu,"seconds":%.6f,"all_cpu_ns":%llu,"cpu_ns":%s,"wall_ns":%s})"
                "\n",
                static_cast<unsigned long long>(sum.sent), static_cast<unsigned long long>(sum.failed), seconds,
                static_cast<unsigned long long>(sum.cpu_ns), spread(std::move(cpu)).c_str(),
                spread(std::move(wall)).c_str());
}

int send_from_all_threads(const Options& options) {
    std::atomic<bool> go = false;
    std::vector<Done> all(options.threads);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < options.threads; i++) threads.emplace_back([&, i] { all[i] = send_all(options, i, go); });
    const std::uint64_t begun = now(CLOCK_MONOTONIC);
    go.store(true);
    for (std::thread& thread : threads) thread.join();
    report(all, static_cast<double>(now(CLOCK_MONOTONIC) - begun) / 1e9);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Sends through packet sockets as fast as it can, and says what a send took.");
    app.add_option("-i,--interface", options.interface, "send through this interface")->required();
    app.add_option("--sends", options.sends, "in a batch")->check(CLI::PositiveNumber);
    app.add_option("--batches", options.batches, "of each thread")->check(CLI::PositiveNumber);
    app.add_option("--seconds", options.seconds, "send for so long instead");
    app.add_option("--rate", options.rate, "sends a second of each thread, batch by batch; not given: no limit")
        ->check(CLI::PositiveNumber);
    app.add_option("--threads", options.threads, "each with sockets of its own")->check(CLI::Range(1, 1024));
    app.add_option("--sockets", options.sockets, "of each thread, used in turn")->check(CLI::Range(1, 100000));
    app.add_option("--length", options.length, "bytes of a frame")->check(CLI::Range(14, 65535));
    app.add_flag("--pin", options.pin, "each thread stays on a CPU of its own");
    app.add_flag("--bypass", options.bypass, "PACKET_QDISC_BYPASS");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    ::prctl(PR_SET_NAME, "tight_sender");
    return send_from_all_threads(options);
}
