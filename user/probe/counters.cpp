#include "user/probe/counters.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace sockray {

int cpu_numbers() {
    std::ifstream file("/sys/devices/system/cpu/possible");
    std::string list;
    if (!std::getline(file, list)) return 0;
    const std::size_t last = list.find_last_of(",-");
    return std::atoi(list.c_str() + (last == std::string::npos ? 0 : last + 1)) + 1;
}

MappedCounters::~MappedCounters() {
    if (memory_) ::munmap(memory_, bytes_);
}

bool MappedCounters::map(int map_fd, std::size_t cpus) {
    const auto page = static_cast<std::size_t>(::getpagesize());
    bytes_ = (cpus * sizeof(sr_counters) + page - 1) / page * page;
    void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
    if (memory == MAP_FAILED) return false;
    memory_ = memory;
    cpus_ = cpus;
    return true;
}

}  // namespace sockray
