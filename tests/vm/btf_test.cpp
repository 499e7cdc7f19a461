// Kernels without BTF of their own, and files that stand in for it. The kernels at hand have BTF, so it is hidden:
// libbpf does not find it, and what needs the kernel's own is not loaded.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"
#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Types : public KernelTest {
  protected:
    static constexpr const char* file = "/tmp/types.btf";

    void SetUp() override {
        KernelTest::SetUp();
        std::filesystem::remove(file);
        std::ofstream(file, std::ios::binary) << std::ifstream("/sys/kernel/btf/vmlinux", std::ios::binary).rdbuf();
    }

    // For sockray: a kernel without BTF.
    static RunOptions hidden() {
        RunOptions options;
        options.in_child = [] {
            if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                ::mount("none", "/sys/kernel/btf", "tmpfs", 0, nullptr) != 0)
                ::_exit(125);
        };
        return options;
    }

    static std::size_t stages_with(const Recording& recording, const std::string& hook) {
        std::size_t stages = 0;
        for (const Json& line : recording.plan) stages += line.value("hook", "").rfind(hook, 0) == 0;
        return stages;
    }

    static void expect_refused(const std::string& btf, const std::string& words) {
        const Completed done = sockray({"run", "-i", "veth0", "-c", "1", "--btf", btf});
        EXPECT_EQ(done.status, 1) << shown(done);
        EXPECT_NE(done.err.find(words), std::string::npos) << shown(done);
    }
};

TEST_F(Types, from_a_file_let_a_kernel_without_BTF_be_traced_by_each_other_backend) {
    for (const char* backend : {"auto", "kprobe"}) {
        const std::uint64_t before = device_count("veth0").tx_packets;
        const Traced traced = drive({"-c", "1000", "--btf", file, "--backend", backend, "--stages", "full"}, hidden());
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("delivered"), 1000U) << shown(traced.run);
        EXPECT_EQ(traced.recording.total("correlated"), 1000U);
        EXPECT_EQ(device_count("veth0").tx_packets - before, 1000U);
        EXPECT_EQ(stages_with(traced.recording, "fentry"), 0U);
        EXPECT_GT(stages_with(traced.recording, "kprobe"), 10U);
        for (const SendLine& send : traced.recording.sends) ASSERT_EQ(nesting_error(send), "");
    }
}

TEST_F(Types, from_a_file_follow_the_children_and_threads_of_a_command) {
    const std::string report = "/tmp/btf_test.report";
    std::filesystem::remove(report);
    const std::string line = sender_line(report, "child", "--to veth0 --count 10 --threads 3");
    const Traced traced = trace_command({"--btf", file}, {"sh", "-c", line + " & " + line + "; wait"}, hidden());
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 60U) << shown(traced.run);
    EXPECT_EQ(read_answers(report).size(), 60U);
}

TEST_F(Types, from_a_file_let_the_workers_of_io_uring_be_followed) {
    const Traced traced = trace_command(
        {"--btf", file}, {sender_path(), "--to", "veth0", "--count", "7", "--method", "uring-worker"}, hidden());
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 7U) << shown(traced.run);
}

// What is still inside the kernel when tracing ends is told, with BTF and without.
TEST_F(Types, or_none_a_send_that_sleeps_when_tracing_ends_is_unknown) {
    VethPair slow("vsleep");
    slow.set_qdisc("tbf rate 500bit burst 1600 limit 1000000");  // 20 s and more for a frame
    for (const bool own : {true, false}) {
        Arguments words{"trace", "--json", "--no-calibrate", "--comm", "sleeper"};
        if (!own) words.insert(words.end(), {"--btf", file});
        Process tracer = start_sockray(words, own ? RunOptions{} : hidden());
        ASSERT_TRUE(tracer.wait_for_err("ready"));
        const Process sender({sender_path(), "--to", slow.name(), "--length", "1400", "--sndbuf", "1", "--seconds",
                              "100", "--name", "sleeper"});
        ASSERT_TRUE(comes_to_wait_in(sender, "sock_alloc_send_pskb"));
        tracer.signal(SIGINT);
        const Traced traced = read_back(tracer.finish());
        expect_sound(traced);
        EXPECT_EQ(traced.recording.total("unknown"), 1U) << shown(traced.run);
        ASSERT_FALSE(traced.recording.sends.empty());
        EXPECT_NE(traced.recording.sends.back().reason.find("still"), std::string::npos)
            << traced.recording.sends.back().reason;
    }
}

TEST_F(Types, from_a_file_are_taken_where_the_kernel_has_its_own_too) {
    const Traced traced = drive({"-c", "100", "--btf", file});
    expect_sound(traced);
    EXPECT_EQ(traced.recording.total("delivered"), 100U) << shown(traced.run);
}

TEST_F(Types, of_anything_else_are_refused) {
    expect_refused("/tmp/there/is/none", "cannot read BTF from '/tmp/there/is/none': No such file or directory");
    expect_refused("/proc/self/exe", "cannot read BTF from '/proc/self/exe'");
    expect_refused("/proc/version", "cannot read BTF from '/proc/version'");
    expect_refused("/tmp", "cannot read BTF from '/tmp'");
}

TEST_F(Types, of_another_kernel_are_refused) {
    // Types that no kernel has so: what sockray's own programs need of them.
    const char* other = std::getenv("KERNEL_FIELDS_OBJECT");
    expect_refused(
        other ? other : (std::filesystem::path(sender_path()).parent_path() / "kernel_fields.bpf.o").string(),
        "describes another kernel");
}

TEST_F(Types, from_a_file_are_shown_by_doctor_and_ops) {
    const Completed doctor = sockray({"doctor", "--btf", file}, hidden());
    EXPECT_EQ(doctor.status, 0) << shown(doctor);
    EXPECT_NE(doctor.out.find("the kernel has none of its own"), std::string::npos) << doctor.out;
    const Completed ops = sockray({"ops", "--btf", file}, hidden());
    EXPECT_EQ(ops.status, 0) << shown(ops);
    EXPECT_NE(ops.out.find("packet_sendmsg"), std::string::npos) << ops.out;
}

}  // namespace
}  // namespace sockray::vm
