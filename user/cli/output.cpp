#include "user/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "user/cli/verbs.h"

namespace sockray {
namespace {

// Returns 0 or the errno.
int write_all(int fd, const char* data, std::size_t size) {
    while (size > 0) {
        const ssize_t written = ::write(fd, data, size);
        if (written < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        data += written;
        size -= static_cast<std::size_t>(written);
    }
    return 0;
}

}  // namespace

void Output::flush() {
    if (error_ == 0) error_ = write_all(fd_, buffer_.data(), buffer_.size());
    buffer_.clear();
}

void say(std::string_view text) {
    const std::string line = fmt::format("sockray: {}\n", text);
    write_all(STDERR_FILENO, line.data(), line.size());
}

int say_error(const Error& error) {
    say(error.what);
    if (!error.remedy.empty()) say("  " + error.remedy);
    switch (error.kind) {
        case ErrorKind::failed:
            return exit_failed;
        case ErrorKind::usage:
            return exit_usage;
        case ErrorKind::not_allowed:
            return exit_not_allowed;
    }
    return exit_failed;
}

}  // namespace sockray
