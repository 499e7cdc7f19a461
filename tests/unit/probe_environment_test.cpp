// What doctor finds on machines that are made of files.
#include "user/probe/environment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sockray {
namespace {

// A root directory with what inspect_environment() reads, as on a machine where everything is well.
class TheMachine : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "sockray-root.XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
        write("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
        write("/sys/kernel/btf/vmlinux", "");
        write("/sys/bus/event_source/devices/kprobe/type", "8\n");
        write("/sys/kernel/debug/kprobes/enabled", "1\n");
        write("/proc/kallsyms", "0000000000000000 A fixed_percpu_data\nffffffff81000000 T _stext\n");
        write("/proc/sys/net/core/bpf_jit_enable", "1\n");
        write("/proc/net/packet", "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    void write(const std::string& path, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
        std::ofstream(root_ + path) << text;
    }
    void remove(const std::string& path) { std::filesystem::remove_all(root_ + path); }

    Condition found(const std::string& name) const {
        for (const Condition& condition : inspect_environment(root_))
            if (condition.name == name) return condition;
        ADD_FAILURE() << "no condition " << name;
        return {};
    }
    // The conditions without the two that are of this process and not of the files.
    std::vector<Condition> of_the_files() const {
        std::vector<Condition> conditions = inspect_environment(root_);
        std::erase_if(conditions, [](const Condition& c) { return c.name == "capabilities" || c.name == "kernel"; });
        return conditions;
    }

    std::string root_;
};

TEST_F(TheMachine, WhereAllIsWellHelps) {
    for (const Condition& condition : of_the_files()) {
        EXPECT_EQ(condition.effect, Effect::helps) << condition.name << ": " << condition.state;
        EXPECT_NE(condition.state, "") << condition.name;
        EXPECT_EQ(condition.remedy, "") << condition.name;
    }
    EXPECT_TRUE(check_environment(of_the_files()));
}

TEST_F(TheMachine, GivesARemedyForEverythingThatDoesNotHelp) {
    std::filesystem::remove_all(root_);
    bool any = false;
    for (const Condition& condition : inspect_environment(root_)) {
        if (condition.effect == Effect::helps) continue;
        any = true;
        EXPECT_NE(condition.remedy, "") << condition.name;
    }
    EXPECT_TRUE(any);
}

TEST_F(TheMachine, SaysWhichKernelItRuns) {
    EXPECT_EQ(found("kernel").effect, Effect::helps);
    EXPECT_TRUE(found("kernel").state.starts_with("Linux ")) << found("kernel").state;
}

TEST_F(TheMachine, LockedDownForConfidentialityPrevents) {
    write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
    EXPECT_EQ(found("lockdown").effect, Effect::prevents);
    EXPECT_NE(found("lockdown").state.find("confidentiality"), std::string::npos);
    EXPECT_NE(found("lockdown").remedy.find("lockdown=none"), std::string::npos);
    const Status status = check_environment(of_the_files());
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::not_allowed);
    EXPECT_NE(status.error().what.find("lockdown"), std::string::npos) << status.error().what;
    EXPECT_EQ(status.error().remedy, found("lockdown").remedy);
}

TEST_F(TheMachine, LockedDownForIntegrityDoesNotConcernTracing) {
    write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
    EXPECT_EQ(found("lockdown").effect, Effect::helps);
    EXPECT_NE(found("lockdown").state.find("integrity"), std::string::npos);
}

TEST_F(TheMachine, ThatDoesNotShowItsLockdownIsNotAccused) {
    remove("/sys/kernel/security");
    EXPECT_EQ(found("lockdown").effect, Effect::helps);
    for (const std::string text : {"", "\n", "none integrity confidentiality\n", "[\n", "]none[\n", "[]\n"}) {
        write("/sys/kernel/security/lockdown", text);
        EXPECT_EQ(found("lockdown").effect, Effect::helps) << text;
    }
}

TEST_F(TheMachine, WithoutTypeInformationPrevents) {
    remove("/sys/kernel/btf");
    EXPECT_EQ(found("BTF").effect, Effect::prevents);
    EXPECT_NE(found("BTF").remedy.find("CONFIG_DEBUG_INFO_BTF"), std::string::npos);
    EXPECT_NE(found("BTF").remedy.find("--btf FILE (doctor, run, trace, top, capture, compare-methods, ops)"),
              std::string::npos)
        << found("BTF").remedy;
    EXPECT_EQ(check_environment(of_the_files()).error().what,
              "tracing is not possible here: BTF: /sys/kernel/btf/vmlinux is missing");
}

TEST_F(TheMachine, WithoutTypeInformationOfItsOwnIsHinderedWhereAFileStandsIn) {
    remove("/sys/kernel/btf");
    for (const Condition& condition : inspect_environment(root_, "types.btf")) {
        if (condition.name != "BTF") continue;
        EXPECT_EQ(condition.effect, Effect::hinders);
        EXPECT_EQ(condition.state, "types.btf: the kernel has none of its own, so no fentry");
    }
}

TEST_F(TheMachine, WithoutKprobesPrevents) {
    remove("/sys/bus");
    EXPECT_EQ(found("kprobes").effect, Effect::prevents);
    EXPECT_NE(found("kprobes").remedy.find("CONFIG_KPROBE_EVENTS"), std::string::npos);
}

TEST_F(TheMachine, WithKprobesSwitchedOffPreventsAndTellsTheSwitch) {
    write("/sys/kernel/debug/kprobes/enabled", "0\n");
    EXPECT_EQ(found("kprobes").effect, Effect::prevents);
    EXPECT_EQ(found("kprobes").remedy, "echo 1 > /sys/kernel/debug/kprobes/enabled");
}

TEST_F(TheMachine, WithoutDebugfsStillHasKprobes) {
    remove("/sys/kernel/debug");
    EXPECT_EQ(found("kprobes").effect, Effect::helps);
}

TEST_F(TheMachine, ThatHidesItsAddressesPrevents) {
    write("/proc/kallsyms",
          "0000000000000000 A fixed_percpu_data\n0000000000000000 T _stext\n0000000000000000 t packet_sendmsg\n");
    EXPECT_EQ(found("kallsyms").effect, Effect::prevents);
    EXPECT_EQ(found("kallsyms").state, "addresses are hidden");
    EXPECT_NE(found("kallsyms").remedy.find("kernel.kptr_restrict"), std::string::npos);
}

// The per-CPU offsets at the head of the table are small numbers, and no address among them.
TEST_F(TheMachine, ThatShowsItsAddressesBehindTheOffsetsHelps) {
    std::string text;
    for (int i = 0; i < 300; i++) text += "0000000000000000 A offset\n";
    write("/proc/kallsyms", text + "ffffffff81000000 T _stext\n");
    EXPECT_EQ(found("kallsyms").effect, Effect::helps);
}

TEST_F(TheMachine, WithoutKallsymsPrevents) {
    remove("/proc/kallsyms");
    EXPECT_EQ(found("kallsyms").effect, Effect::prevents);
    EXPECT_EQ(found("kallsyms").state, "/proc/kallsyms cannot be read");
    write("/proc/kallsyms", "");
    EXPECT_EQ(found("kallsyms").effect, Effect::prevents);
}

TEST_F(TheMachine, WithTheJitOffOnlyHinders) {
    write("/proc/sys/net/core/bpf_jit_enable", "0\n");
    EXPECT_EQ(found("BPF JIT").effect, Effect::hinders);
    EXPECT_EQ(found("BPF JIT").remedy, "sysctl net.core.bpf_jit_enable=1");
    EXPECT_TRUE(check_environment(of_the_files()));
}

TEST_F(TheMachine, WithoutPacketSocketsPreventsAndTheRemedyLoadsTheModule) {
    remove("/proc/net");
    EXPECT_EQ(found("AF_PACKET").effect, Effect::prevents);
    EXPECT_EQ(found("AF_PACKET").remedy, "modprobe af_packet");
}

TEST_F(TheMachine, WithSeveralObstaclesNamesTheFirst) {
    remove("/sys/kernel/btf");
    remove("/sys/bus");
    EXPECT_NE(check_environment(of_the_files()).error().what.find("BTF"), std::string::npos);
}

TEST_F(TheMachine, LockedDownExplainsWhyTheKernelRefuses) {
    if (found("capabilities").effect != Effect::helps) GTEST_SKIP() << "without privileges they are the reason";
    write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
    EXPECT_NE(why_not_permitted(root_).why.find("locked down (confidentiality)"), std::string::npos);
    remove("/sys/kernel/security");
    EXPECT_NE(why_not_permitted(root_).why.find("it is locked down, or"), std::string::npos) << "nobody knows";
    write("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    EXPECT_NE(why_not_permitted(root_).why.find("security module"), std::string::npos);
}

TEST_F(TheMachine, WithoutPrivilegesSaysWhichAreMissing) {
    if (found("capabilities").effect == Effect::helps) GTEST_SKIP() << "this process has them";
    EXPECT_EQ(found("capabilities").effect, Effect::prevents);
    EXPECT_NE(found("capabilities").state.find("CAP_"), std::string::npos);
    EXPECT_NE(why_not_permitted(root_).why.find("CAP_"), std::string::npos);
    EXPECT_EQ(why_not_permitted(root_).remedy, "run as root");
}

}  // namespace
}  // namespace sockray
