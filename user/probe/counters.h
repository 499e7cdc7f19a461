// The kernel side's counters, one set for each CPU, read without a system call.
#pragma once

#include <cstddef>
#include <span>

#include "bpf/records.h"

namespace sockray {

// One more than the highest number that a CPU can have: numbers may have gaps ("0-3,8-11"). 0 where sysfs does not say.
int cpu_numbers();

// The map, mapped. (A map look-up by system call makes the kernel skip BPF programs on this CPU while it runs:
// kernel/bpf/syscall.c, bpf_disable_instrumentation.)
class MappedCounters {
  public:
    MappedCounters() = default;
    ~MappedCounters();
    MappedCounters(const MappedCounters&) = delete;
    MappedCounters& operator=(const MappedCounters&) = delete;

    // False, with errno, where the kernel refuses it.
    bool map(int map_fd, std::size_t cpus);
    std::span<sr_counters> cpus() const { return {static_cast<sr_counters*>(memory_), cpus_}; }

  private:
    void* memory_ = nullptr;
    std::size_t bytes_ = 0;
    std::size_t cpus_ = 0;
};

}  // namespace sockray
