#include "user/probe/ring_positions.h"

#include <sys/mman.h>
#include <unistd.h>

namespace sockray {
namespace {

void* map_page(int map_fd, long page) {
    const auto size = static_cast<std::size_t>(::getpagesize());
    void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, map_fd, static_cast<off_t>(page) * ::getpagesize());
    return memory == MAP_FAILED ? nullptr : memory;
}

void unmap_page(void* page) {
    if (page) ::munmap(page, static_cast<std::size_t>(::getpagesize()));
}

// The kernel stores it with release behind what it is of.
std::uint64_t position(const void* page) {
    return __atomic_load_n(static_cast<const std::uint64_t*>(page), __ATOMIC_ACQUIRE);
}

}  // namespace

RingPositions::~RingPositions() {
    unmap_page(consumer_);
    unmap_page(producer_);
}

bool RingPositions::map(int map_fd) {
    consumer_ = map_page(map_fd, 0);
    producer_ = map_page(map_fd, 1);
    return consumer_ && producer_;
}

std::uint64_t RingPositions::written() const {
    return position(producer_);
}

std::uint64_t RingPositions::read() const {
    return position(consumer_);
}

}  // namespace sockray
