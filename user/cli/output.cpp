#include "user/cli/output.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <string>

#include "user/cli/verbs.h"

namespace sockray {
namespace {

// Returns 0 or the errno.
int write_all(int fd, const char* data, std::size_t size, std::size_t piece, int stop_fd) {
    while (size > 0) {
        if (stop_fd >= 0) {
            pollfd waits[] = {{fd, POLLOUT, 0}, {stop_fd, POLLIN, 0}};
            if (::poll(waits, 2, -1) < 0 && errno != EINTR) return errno;
            if (waits[0].revents == 0 && waits[1].revents != 0) return ECANCELED;
        }
        const ssize_t written = ::write(fd, data, std::min(size, piece));
        if (written < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        data += written;
        size -= static_cast<std::size_t>(written);
    }
    return 0;
}

// A pipe that poll(2) calls writable takes PIPE_BUF bytes without blocking, and no more for certain.
std::size_t piece_for(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? SIZE_MAX : PIPE_BUF;
}

}  // namespace

Output::Output(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd), piece_(piece_for(fd)) {}

void Output::flush() {
    if (error_ == 0) error_ = write_all(fd_, buffer_.data(), buffer_.size(), piece_, stop_fd_);
    buffer_.clear();
}

void say(std::string_view text) {
    const std::string line = fmt::format("sockray: {}\n", text);
    write_all(STDERR_FILENO, line.data(), line.size(), SIZE_MAX, -1);
}

bool say_output_error(const Output& output) {
    if (output.error() == 0) return false;
    if (output.error() == EPIPE)
        say("standard output was closed by its reader");
    else if (output.error() == ECANCELED)
        say("ended while nobody read standard output");
    else
        say(fmt::format("cannot write to standard output: {}", errno_text(output.error())));
    return true;
}

int say_error(const Error& error) {
    say(error.what);
    if (!error.remedy.empty()) say("  " + error.remedy);
    switch (error.kind) {
        case ErrorKind::failed: return exit_failed;
        case ErrorKind::usage: return exit_usage;
        case ErrorKind::not_allowed: return exit_not_allowed;
    }
    return exit_failed;
}

}  // namespace sockray
