#include "tests/vm/kernel.h"

#include <bpf/bpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace sockray::vm {
namespace {

struct Symbol {
    std::uint64_t address;
    char type;
};

const std::multimap<std::string, Symbol>& symbols() {
    static const auto all = [] {
        std::multimap<std::string, Symbol> read;
        std::ifstream file("/proc/kallsyms");
        std::string line;
        while (std::getline(file, line)) {
            std::istringstream words(line);
            Symbol symbol{};
            std::string name;
            words >> std::hex >> symbol.address >> symbol.type >> name;
            read.emplace(name, symbol);
        }
        return read;
    }();
    return all;
}

std::map<std::string, int>& hooks_before() {
    static std::map<std::string, int> before;
    return before;
}

void add_ids(std::map<std::string, int>& found, const char* what, int (*next)(__u32, __u32*)) {
    for (__u32 id = 0; next(id, &id) == 0;) found[what + std::string(" ") + std::to_string(id)]++;
}

std::map<std::string, int> new_hooks() {
    std::map<std::string, int> now = hooks();
    for (const auto& [hook, times] : hooks_before()) {
        const auto found = now.find(hook);
        if (found != now.end() && (found->second -= times) <= 0) now.erase(found);
    }
    return now;
}

}  // namespace

std::string kernel_release() {
    utsname name{};
    ::uname(&name);
    return name.release;
}

bool has_symbol(const std::string& name) {
    return symbols().count(name) != 0;
}

bool has_function(const std::string& name) {
    const auto [begin, end] = symbols().equal_range(name);
    for (auto found = begin; found != end; ++found)
        if (std::strchr("tTwW", found->second.type)) return true;
    return false;
}

bool has_fprobe() {
    return has_function("register_fprobe_ips");
}

std::uint64_t address_of(const std::string& name) {
    const auto found = symbols().find(name);
    return found == symbols().end() ? 0 : found->second.address;
}

bool is_symbol_at(const std::string& name, std::uint64_t address) {
    const auto [begin, end] = symbols().equal_range(name);
    for (auto found = begin; found != end; ++found)
        if (found->second.address == address) return true;
    return false;
}

std::map<std::string, int> hooks() {
    std::map<std::string, int> found;
    std::ifstream list("/sys/kernel/debug/kprobes/list");
    std::string line;
    while (std::getline(list, line)) {  // "ffffffff9a2b3c40  r  packet_sendmsg+0x0    [FTRACE]"
        std::istringstream words(line);
        std::string address, kind, place;
        words >> address >> kind >> place;
        found["kprobe " + kind + " " + place]++;
    }
    add_ids(found, "BPF program", bpf_prog_get_next_id);
    add_ids(found, "BPF link", bpf_link_get_next_id);
    add_ids(found, "BPF map", bpf_map_get_next_id);
    return found;
}

void remember_hooks() {
    hooks_before() = hooks();
}

std::size_t hooks_now() {
    return new_hooks().size();
}

std::string hooks_left() {
    constexpr auto patience = std::chrono::seconds(15);
    const auto end = std::chrono::steady_clock::now() + patience;
    std::map<std::string, int> left = new_hooks();
    while (!left.empty() && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        left = new_hooks();
    }
    std::string text;
    for (const auto& [hook, times] : left) text += hook + "\n";
    return text;
}

DeviceCount device_count(const std::string& name) {
    std::ifstream file("/proc/net/dev");
    std::string line;
    while (std::getline(file, line)) {
        const std::size_t colon = line.rfind(':');
        const std::size_t start = line.find_first_not_of(' ');
        if (colon == std::string::npos || line.substr(start, colon - start) != name) continue;
        std::istringstream words(line.substr(colon + 1));
        std::vector<std::uint64_t> value(16);
        for (std::uint64_t& number : value) words >> number;
        return {value[9], value[8], value[11]};
    }
    return {};
}

}  // namespace sockray::vm
