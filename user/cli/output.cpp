#include "user/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "user/base/write_all.h"
#include "user/cli/verbs.h"

namespace sockray {
Output::Output(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd), piece_(piece_for(fd)) {}

void Output::flush() {
    if (error_ == 0) error_ = write_all(fd_, {buffer_.data(), buffer_.size()}, piece_, stop_fd_);
    buffer_.clear();
}

void say(std::string_view text) {
    const std::string line = fmt::format("sockray: {}\n", text);
    write_all(STDERR_FILENO, line, SIZE_MAX, -1);
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

int exit_status(const Error& error) {
    switch (error.kind) {
        case ErrorKind::failed: return exit_failed;
        case ErrorKind::usage: return exit_usage;
        case ErrorKind::not_allowed: return exit_not_allowed;
    }
    return exit_failed;
}

int say_error(const Error& error) {
    say(error.what);
    if (!error.remedy.empty()) say("  " + error.remedy);
    return exit_status(error);
}

}  // namespace sockray
