// What the guest's kernel itself says: symbols, hooks, device counters.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace sockray::vm {

std::string kernel_release();

// By /proc/kallsyms, suffixed names (.isra.0) not counted. What a test expects of a kernel comes from here, never from
// its version.
bool has_function(const std::string& name);
bool has_symbol(const std::string& name);
// What kprobe.multi needs (kernel/trace/fprobe.c).
bool has_fprobe();
std::uint64_t address_of(const std::string& name);  // 0 where there is none
bool is_symbol_at(const std::string& name, std::uint64_t address);

// Everything that a tracer attaches or loads: kprobes by place, BPF programs, links and maps by id.
std::map<std::string, int> hooks();

// What is attached or loaded now and was not when the tests began, "" once nothing is. The kernel takes its hooks away
// a moment after they were closed: waits for that, some seconds at most.
void remember_hooks();
std::string hooks_left();

// How many hooks of ours there are at this moment.
std::size_t hooks_now();

struct DeviceCount {
    std::uint64_t tx_packets = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t tx_dropped = 0;
};
// From /proc/net/dev, of the network namespace of the tests.
DeviceCount device_count(const std::string& name);

}  // namespace sockray::vm
