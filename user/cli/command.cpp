#include "user/cli/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/cli/output.h"

namespace sockray {
namespace {

// A name as it may be echoed.
std::string shown(const std::string& name) {
    constexpr int most = 80;
    return shortened(printable(name), most);
}

bool is_program(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// In the child: never returns. What exec answered goes through the pipe, which a successful exec closes.
[[noreturn]] void become(const std::vector<std::string>& command, const StopSignals& signals, int error_pipe) {
    signals.restore_for_child();
    for (const int ignored : {SIGPIPE, SIGXFSZ}) ::signal(ignored, SIG_DFL);  // main() ignores them
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    const int err = errno;
    [[maybe_unused]] const ssize_t written = ::write(error_pipe, &err, sizeof err);
    ::_exit(127);
}

}  // namespace

Status check_command(const std::string& name) {
    const auto missing = [&](std::string_view why) {
        return fail(fmt::format("cannot run '{}': {}", shown(name), why),
                    name.find('/') == std::string::npos ? "give the command by its path" : "");
    };
    if (name.find('/') != std::string::npos) {
        if (is_program(name)) return {};
        return missing(::access(name.c_str(), F_OK) == 0 ? "it is not an executable file" : "there is no such file");
    }
    const char* environment = std::getenv("PATH");
    std::string_view path = environment ? environment : "/usr/bin:/bin";
    while (!path.empty()) {
        const std::size_t end = std::min(path.find(':'), path.size());
        if (is_program(fmt::format("{}/{}", path.substr(0, end), name))) return {};
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return missing("there is no such command in PATH");
}

Result<Command> Command::start(const std::vector<std::string>& command, const StopSignals& signals) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(fmt::format("cannot make a pipe: {}", errno_text(errno)));
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return fail(fmt::format("cannot start '{}': {}", shown(command[0]), errno_text(errno)));
    if (pid == 0) become(command, signals, writing.get());
    writing.reset();
    int err = 0;
    if (::read(reading.get(), &err, sizeof err) == sizeof err) {
        ::waitpid(pid, nullptr, 0);
        return fail(fmt::format("cannot run '{}': {}", shown(command[0]), errno_text(err)));
    }
    auto pidfd = watch_process(pid);
    if (!pidfd) {  // nobody would end it then
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return tl::unexpected(pidfd.error());
    }
    return Command(shown(command[0]), pid, std::move(*pidfd));
}

std::string Command::failure() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status))
        return fmt::format("{} was ended by signal {} ({})", name_, WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0) return fmt::format("{} ended with exit status {}", name_, WEXITSTATUS(status));
    return {};
}

void Command::stop() {
    constexpr int patience_ms = 2000;
    if (::kill(pid_, SIGTERM) != 0) {
        say(fmt::format("cannot end {} (process {}): {}; it is left alone", name_, pid_, errno_text(errno)));
        return;
    }
    pollfd ended{pidfd_.get(), POLLIN, 0};
    if (::poll(&ended, 1, patience_ms) > 0)
        ::waitpid(pid_, nullptr, 0);
    else
        say(fmt::format("{} (process {}) does not end when asked to; it is left alone", name_, pid_));
}

Result<Fd> watch_process(pid_t pid) {
    Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (fd) return fd;
    if (errno == ESRCH) return fail(fmt::format("there is no process {}", pid));
    if (errno == EINVAL || errno == ENOENT)
        return fail(fmt::format("{} is a thread", pid), "-p takes the id of its process");
    return fail(fmt::format("cannot watch process {}: {}", pid, errno_text(errno)));
}

}  // namespace sockray
