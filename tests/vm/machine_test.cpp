// The machine under the tests, without sockray: can this guest bear hooks that come and go under running senders?
//
// QEMU with a thread for each CPU (-accel tcg,thread=multi; seen with 7.2 and 10.0, kernels 6.1 and 6.12) does not: its
// CPUs go on executing int3s and calls that another CPU has patched away since, and the kernel oopses within seconds.
// So tools/vm emulates all CPUs in one thread. When this test dies, no other test's word on a crash counts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <vector>

#include "tests/vm/network.h"
#include "tests/vm/process.h"

namespace sockray::vm {
namespace {

const std::string kTracefs = "/sys/kernel/tracing/";

// A stream would truncate kprobe_events, which forgets all probes then, or seek, which tracefs refuses.
void append(const std::string& file, const std::string& line) {
    const int fd = ::open((kTracefs + file).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    const bool written = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    const int why = errno;
    if (fd >= 0) ::close(fd);
    if (!written) throw std::system_error(why, std::generic_category(), file + ": " + line);
}

// The kernel's own kprobes and kretprobes, made through tracefs and gone with the object.
class TracefsProbes {
  public:
    explicit TracefsProbes(const std::vector<std::string>& functions) {
        for (const std::string& function : functions)
            for (const char kind : {'p', 'r'}) {
                const std::string name = std::string(1, kind) + "_" + function;
                append("kprobe_events", std::string(1, kind) + ":machine/" + name + " " + function);
                names_.push_back(name);
            }
    }
    ~TracefsProbes() {
        enable(false);
        for (const std::string& name : names_) append("kprobe_events", "-:machine/" + name);
    }
    TracefsProbes(const TracefsProbes&) = delete;
    TracefsProbes& operator=(const TracefsProbes&) = delete;

    void enable(bool on) const {
        for (const std::string& name : names_) append("events/machine/" + name + "/enable", on ? "1" : "0");
    }

  private:
    std::vector<std::string> names_;
};

TEST(Machine, bears_the_kernels_own_kprobes_coming_and_going_under_two_senders) {
    const auto sender = [](const std::string& to) {
        return Process({sender_path(), "--to", to, "--seconds", "300", "--gap-us", "200"});
    };
    const Process first = sender("veth0");
    const Process second = sender("veth1");
    const TracefsProbes probes(
        {"__sys_sendto", "packet_sendmsg", "sock_alloc_send_pskb", "__dev_queue_xmit", "dev_hard_start_xmit"});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
        probes.enable(true);
        probes.enable(false);
    }
    EXPECT_TRUE(first.running());
    EXPECT_TRUE(second.running());
    EXPECT_EQ(network_problem(), "");
}

}  // namespace
}  // namespace sockray::vm
