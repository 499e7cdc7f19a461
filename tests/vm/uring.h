// Sends through io_uring, by its system calls alone.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace sockray::vm {

// A ring of one request: each call submits it and waits for its end.
class Uring {
  public:
    // False, with errno, where the kernel refuses one.
    bool open();

    // As send(2) and sendmsg(2). `worker`: a thread of the kernel's does it (IOSQE_ASYNC), and not the caller.
    long send(int fd, const void* bytes, std::size_t length, int flags, bool worker);
    long sendmsg(int fd, const msghdr* message, int flags, bool worker);

  private:
    long call(std::uint8_t operation, int fd, const void* address, std::uint32_t length, int flags, bool worker);

    int ring_ = -1;
    std::uint8_t* queues_ = nullptr;
    void* requests_ = nullptr;
    std::uint32_t tail_at_ = 0, mask_at_ = 0, array_at_ = 0;
    std::uint32_t done_head_at_ = 0, done_mask_at_ = 0, done_at_ = 0;
};

}  // namespace sockray::vm
