#include "user/probe/record_ring.h"

#include <bpf/libbpf.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "user/base/format.h"

namespace sockray {
namespace {

// The kernel stores it with release behind what it is of.
std::uint64_t position(const void* page) {
    return __atomic_load_n(static_cast<const std::uint64_t*>(page), __ATOMIC_ACQUIRE);
}

}  // namespace

void RecordRing::FreeRing::operator()(ring_buffer* ring) const {
    ring_buffer__free(ring);
}

void RecordRing::Unmap::operator()(void* page) const {
    ::munmap(page, static_cast<std::size_t>(::getpagesize()));
}

RecordRing::RecordRing() = default;
RecordRing::~RecordRing() = default;

RecordRing::Page RecordRing::map_page(int map_fd, long page) {
    const long size = ::getpagesize();
    void* memory = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_SHARED, map_fd, page * size);
    return Page(memory == MAP_FAILED ? nullptr : memory);
}

int RecordRing::take(void* ring, void* data, std::size_t size) {
    auto& own = *static_cast<RecordRing*>(ring);
    (*own.sink_)({static_cast<const std::byte*>(data), size});
    return ++own.taken_ < own.most_ ? 0 : -EAGAIN;
}

Status RecordRing::open(int map_fd) {
    ring_.reset(ring_buffer__new(map_fd, take, this, nullptr));
    if (ring_) consumer_ = map_page(map_fd, 0);
    if (consumer_) producer_ = map_page(map_fd, 1);
    if (!producer_) return fail(fmt::format("cannot map the ring buffer: {}", errno_text(errno)));
    wakeups_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;  // not whenever there is something in the ring
    if (!wakeups_ || ::epoll_ctl(wakeups_.get(), EPOLL_CTL_ADD, map_fd, &event) != 0)
        return fail(fmt::format("cannot wait for the ring buffer: {}", errno_text(errno)));
    return {};
}

std::size_t RecordRing::read(const Sink& sink, std::size_t most) {
    epoll_event woken{};
    ::epoll_wait(wakeups_.get(), &woken, 1, 0);
    sink_ = &sink;
    taken_ = 0;
    most_ = most;
    ring_buffer__consume(ring_.get());
    sink_ = nullptr;
    return taken_;
}

std::uint64_t RecordRing::written() const {
    return position(producer_.get());
}

std::uint64_t RecordRing::read_to() const {
    return position(consumer_.get());
}

}  // namespace sockray
