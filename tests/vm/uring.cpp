#include "tests/vm/uring.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace sockray::vm {
namespace {

std::uint32_t& word(std::uint8_t* queues, std::uint32_t at) {
    return *reinterpret_cast<std::uint32_t*>(queues + at);
}

}  // namespace

bool Uring::open() {
    io_uring_params params{};
    ring_ = static_cast<int>(::syscall(SYS_io_uring_setup, 1, &params));
    if (ring_ < 0) return false;
    const std::size_t bytes = std::max<std::size_t>(params.sq_off.array + params.sq_entries * sizeof(std::uint32_t),
                                                    params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
    void* queues = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_, IORING_OFF_SQ_RING);
    requests_ = ::mmap(nullptr, params.sq_entries * sizeof(io_uring_sqe), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_POPULATE, ring_, IORING_OFF_SQES);
    if (queues == MAP_FAILED || requests_ == MAP_FAILED) return false;
    queues_ = static_cast<std::uint8_t*>(queues);
    tail_at_ = params.sq_off.tail;
    mask_at_ = params.sq_off.ring_mask;
    array_at_ = params.sq_off.array;
    done_head_at_ = params.cq_off.head;
    done_mask_at_ = params.cq_off.ring_mask;
    done_at_ = params.cq_off.cqes;
    return true;
}

long Uring::call(std::uint8_t operation, int fd, const void* address, std::uint32_t length, int flags, bool worker) {
    const std::uint32_t tail = word(queues_, tail_at_);
    const std::uint32_t index = tail & word(queues_, mask_at_);
    auto& request = static_cast<io_uring_sqe*>(requests_)[index];
    std::memset(&request, 0, sizeof request);
    request.opcode = operation;
    request.flags = worker ? IOSQE_ASYNC : 0;
    request.fd = fd;
    request.addr = reinterpret_cast<std::uint64_t>(address);
    request.len = length;
    request.msg_flags = static_cast<std::uint32_t>(flags);
    word(queues_, array_at_ + index * 4) = index;
    std::atomic_ref(word(queues_, tail_at_)).store(tail + 1, std::memory_order_release);
    if (::syscall(SYS_io_uring_enter, ring_, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) return -1;
    const std::uint32_t head = word(queues_, done_head_at_);
    const auto* done = reinterpret_cast<const io_uring_cqe*>(queues_ + done_at_);
    const std::int32_t result = done[head & word(queues_, done_mask_at_)].res;
    std::atomic_ref(word(queues_, done_head_at_)).store(head + 1, std::memory_order_release);
    if (result >= 0) return result;
    errno = -result;
    return -1;
}

long Uring::send(int fd, const void* bytes, std::size_t length, int flags, bool worker) {
    return call(IORING_OP_SEND, fd, bytes, static_cast<std::uint32_t>(length), flags, worker);
}

long Uring::sendmsg(int fd, const msghdr* message, int flags, bool worker) {
    return call(IORING_OP_SENDMSG, fd, message, 1, flags, worker);
}

}  // namespace sockray::vm
