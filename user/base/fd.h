// A file descriptor with an owner.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <utility>

namespace sockray {

// Owns one descriptor and closes it. Move-only; -1 means none.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd() { reset(); }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    // The caller's from now on.
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

  private:
    int fd_ = -1;
};

// Whether something can be read from it now; -1: never.
inline bool is_readable(int fd) {
    pollfd wait{fd, POLLIN, 0};
    return fd >= 0 && ::poll(&wait, 1, 0) == 1;
}

}  // namespace sockray
