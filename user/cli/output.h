// Standard output for results and standard error for everything else.
#pragma once

#include <string_view>

#include "user/base/format.h"
#include "user/base/result.h"

namespace sockray {

// Collects text and writes it to a descriptor in large pieces. When nobody reads any more (EPIPE) or the disk is full,
// it takes no more.
class Output {
  public:
    // `stop_fd`: when this becomes readable while the reader does not read, writing is given up (ECANCELED); -1: none.
    explicit Output(int fd, int stop_fd = -1);

    fmt::memory_buffer& buffer() { return buffer_; }

    // Writes what has been collected; `flush_if_large` only when it is worth a system call.
    void flush();
    void flush_if_large() {
        if (buffer_.size() >= large) flush();
    }

    // The errno of the write that failed, 0 while all is well.
    int error() const { return error_; }
    int fd() const { return fd_; }

  private:
    static constexpr std::size_t large = 64 * 1024;
    int fd_;
    int stop_fd_;
    std::size_t piece_;  // so much is written at once
    int error_ = 0;
    fmt::memory_buffer buffer_;
};

// "sockray: <text>" on standard error.
void say(std::string_view text);

// Where results could not be written: says so on standard error. Returns whether it was so.
bool say_output_error(const Output& output);

// The exit status that fits.
int exit_status(const Error& error);

// The error and its remedy on standard error; returns its exit_status().
int say_error(const Error& error);

}  // namespace sockray
