#include "user/probe/preemption.h"

#include <sys/utsname.h>

#include <fstream>

namespace sockray {
namespace {

// "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)" -> "PREEMPT_DYNAMIC", "" for a kernel built without
std::string_view model_in(std::string_view version) {
    constexpr std::string_view prefix = "PREEMPT";
    for (std::size_t at = version.find(prefix); at != std::string_view::npos; at = version.find(prefix, at + 1)) {
        if (at > 0 && version[at - 1] != ' ') continue;
        const std::string_view rest = version.substr(at);
        return rest.substr(0, rest.find(' '));
    }
    return "";
}

}  // namespace

bool preempts(std::string_view version, const std::optional<std::string>& dynamic) {
    const std::string_view model = model_in(version);
    if (model.empty()) return false;
    if (model != "PREEMPT_DYNAMIC" || !dynamic) return true;
    return dynamic->find("(none)") == std::string::npos && dynamic->find("(voluntary)") == std::string::npos;
}

bool programs_are_preempted() {
    utsname system{};
    if (::uname(&system) != 0) return true;
    std::ifstream file("/sys/kernel/debug/sched/preempt");  // root only, and only where debugfs is mounted
    std::optional<std::string> dynamic;
    if (std::string line; std::getline(file, line)) dynamic = line;
    return preempts(system.version, dynamic);
}

}  // namespace sockray
