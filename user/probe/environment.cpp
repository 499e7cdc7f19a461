#include "user/probe/environment.h"

#include <cap-ng.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <optional>

#include "user/base/format.h"

namespace sockray {
namespace {

std::optional<std::string> read_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!file || !std::getline(file, line)) return std::nullopt;
    return line;
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

Condition kernel() {
    utsname name{};
    ::uname(&name);
    return {"kernel", Effect::helps, fmt::format("{} {} ({})", name.sysname, name.release, name.machine), ""};
}

// Tracing needs CAP_BPF and CAP_PERFMON, kernel addresses CAP_SYSLOG; CAP_SYS_ADMIN stands for these three. The check
// send needs CAP_NET_RAW.
std::vector<std::string> missing_capabilities() {
    std::vector<std::string> missing;
    capng_get_caps_process();
    if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW)) missing.emplace_back("CAP_NET_RAW");
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN)) return missing;
    if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF)) missing.emplace_back("CAP_BPF");
    if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_PERFMON)) missing.emplace_back("CAP_PERFMON");
    if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SYSLOG)) missing.emplace_back("CAP_SYSLOG");
    return missing;
}

Condition capabilities() {
    const std::vector<std::string> missing = missing_capabilities();
    if (missing.empty())
        return {"capabilities", Effect::helps, "CAP_BPF, CAP_PERFMON, CAP_SYSLOG and CAP_NET_RAW are there", ""};
    return {"capabilities", Effect::prevents, fmt::format("missing: {}", fmt::join(missing, ", ")), "run as root"};
}

// "none [integrity] confidentiality": the mode in brackets is on. Empty where the kernel has no such file.
std::string lockdown_mode(const std::string& root) {
    const std::string line = read_line(root + "/sys/kernel/security/lockdown").value_or("");
    const std::size_t open = line.find('[');
    const std::size_t close = line.find(']', open);
    if (open == std::string::npos || close == std::string::npos) return "";
    return line.substr(open + 1, close - open - 1);
}

constexpr const char* lockdown_remedy =
    "boot with lockdown=none (or without Secure Boot); nothing else lifts it while the kernel runs";

Condition lockdown(const std::string& root) {
    const std::string mode = lockdown_mode(root);
    if (mode.empty())
        return {"lockdown", Effect::helps, "not shown here (securityfs is not mounted, or no lockdown module)", ""};
    if (mode == "none") return {"lockdown", Effect::helps, "none", ""};
    if (mode == "confidentiality")
        return {"lockdown", Effect::prevents, "confidentiality: BPF may not read kernel memory", lockdown_remedy};
    return {"lockdown", Effect::helps, mode + ": does not concern tracing", ""};
}

Condition type_information(const std::string& root, const std::string& btf_file) {
    const bool own = exists(root + own_types_path);
    if (own && btf_file.empty()) return {"BTF", Effect::helps, own_types_path, ""};
    if (own) return {"BTF", Effect::helps, fmt::format("{} (the kernel has its own too)", btf_file), ""};
    if (!btf_file.empty())
        return {"BTF", Effect::hinders, fmt::format("{}: the kernel has none of its own, so no fentry", btf_file),
                "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's are"};
    return {"BTF", Effect::prevents, fmt::format("{} is missing", own_types_path),
            "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's are, or give this kernel's types with --btf "
            "FILE (doctor, run, trace, top, capture, compare-methods, ops)"};
}

// Debian's kernels (and others') refuse perf_event_open(2), which kprobes are made with, to all but CAP_SYS_ADMIN where
// this is above 2; the kernel's own highest step is 2. Empty where it is not that.
std::string paranoid_setting(const std::string& root) {
    const std::string value = read_line(root + "/proc/sys/kernel/perf_event_paranoid").value_or("");
    capng_get_caps_process();
    if (value.size() != 1 || value[0] <= '2' || capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN)) return "";
    return value;
}

constexpr const char* paranoid_remedy = "run as root, or: sysctl kernel.perf_event_paranoid=2";

constexpr const char* kprobes_name = "kprobes";

Condition kprobes(const std::string& root) {
    if (!exists(root + "/sys/bus/event_source/devices/kprobe/type"))
        return {kprobes_name, Effect::prevents,
                "this kernel has none (/sys/bus/event_source/devices/kprobe is missing)",
                "boot a kernel built with CONFIG_KPROBE_EVENTS=y, as Debian's are"};
    if (read_line(root + "/sys/kernel/debug/kprobes/enabled").value_or("1") == "0")
        return {kprobes_name, Effect::prevents, "switched off in /sys/kernel/debug/kprobes/enabled",
                "echo 1 > /sys/kernel/debug/kprobes/enabled"};
    return {kprobes_name, Effect::helps, "built in", ""};
}

// The first symbols are offsets into per-CPU data: 0 for everybody. Hidden addresses are 0 throughout.
Condition symbols(const std::string& root) {
    std::ifstream file(root + "/proc/kallsyms");
    std::string line;
    if (!std::getline(file, line))
        return {"kallsyms", Effect::prevents, "/proc/kallsyms cannot be read", "mount procfs on /proc"};
    do {
        if (line.find_first_not_of('0') < line.find(' ')) return {"kallsyms", Effect::helps, "addresses are shown", ""};
    } while (std::getline(file, line));
    return {"kallsyms", Effect::prevents, "addresses are hidden",
            "run as root or with CAP_SYSLOG, and set kernel.kptr_restrict to 0 or 1"};
}

Condition jit(const std::string& root) {
    const std::string value = read_line(root + "/proc/sys/net/core/bpf_jit_enable").value_or("");
    if (value == "0")
        return {"BPF JIT", Effect::hinders, "off: programs are interpreted, and cost several times more",
                "sysctl net.core.bpf_jit_enable=1"};
    return {"BPF JIT", Effect::helps, value.empty() ? "no setting shown" : "on", ""};
}

Condition packet_family(const std::string& root) {
    if (exists(root + "/proc/net/packet")) return {"AF_PACKET", Effect::helps, "present", ""};
    return {"AF_PACKET", Effect::prevents, "/proc/net/packet is missing: the protocol family is not loaded",
            "modprobe af_packet"};
}

}  // namespace

std::vector<Condition> inspect_environment(const std::string& root, const std::string& btf_file) {
    std::vector<Condition> all{kernel(),      capabilities(), lockdown(root), type_information(root, btf_file),
                               kprobes(root), symbols(root),  jit(root),      packet_family(root)};
    if (const std::string paranoid = paranoid_setting(root); !paranoid.empty())
        all.push_back(
            {"perf events", Effect::hinders,
             fmt::format("kernel.perf_event_paranoid is {}: Debian's kernels then want CAP_SYS_ADMIN for kprobes",
                         paranoid),
             paranoid_remedy});
    return all;
}

Status check_environment(const std::vector<Condition>& conditions, Purpose purpose) {
    for (const Condition& condition : conditions) {
        if (condition.effect != Effect::prevents) continue;
        if (purpose == Purpose::reading && condition.name == kprobes_name) continue;
        return not_allowed(fmt::format("{} is not possible here: {}: {}",
                                       purpose == Purpose::tracing ? "tracing" : "reading the kernel's tables",
                                       condition.name, condition.state),
                           condition.remedy);
    }
    return {};
}

Obstacle why_not_permitted(const std::string& root) {
    const std::vector<std::string> missing = missing_capabilities();
    if (!missing.empty())
        return {fmt::format("these privileges are missing: {}", fmt::join(missing, ", ")), "run as root"};
    if (const std::string paranoid = paranoid_setting(root); !paranoid.empty())
        return {
            fmt::format("kernel.perf_event_paranoid is {}: this kernel then wants CAP_SYS_ADMIN for kprobes", paranoid),
            "run as root, or: sysctl kernel.perf_event_paranoid=2"};
    const std::string mode = lockdown_mode(root);
    if (mode == "confidentiality")
        return {"the kernel is locked down (confidentiality): BPF may not read kernel memory", lockdown_remedy};
    if (mode.empty())
        return {
            "the kernel refuses it although the privileges are there: it is locked down, or a security module forbids "
            "bpf(2)",
            "look at /sys/kernel/security/lockdown (mount -t securityfs none /sys/kernel/security); boot with "
            "lockdown=none, or trace in a virtual machine"};
    return {
        "the kernel refuses it although the privileges are there: a security module (SELinux, AppArmor) or a "
        "container's seccomp "
        "filter forbids bpf(2) or perf_event_open(2)",
        "run outside of the container, or allow both system calls"};
}

}  // namespace sockray
