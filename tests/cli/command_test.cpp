// The COMMAND of trace, without a trace around it.
#include "user/cli/command.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <iterator>

namespace sockray {
namespace {

// From now on pidfd_open(2) fails in this process, as under a seccomp filter that does not know it.
bool forbid_pidfd_open() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{static_cast<unsigned short>(std::size(filter)), filter};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

// In a child of its own: what is done to that process is gone with it. Returns what `body` returned.
int in_child(const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(body());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum Answer { well, no_filter, started, child_left };

TEST(TheCommand, ThatCannotBeWatchedIsNotLeftRunning) {
    const int answer = in_child([] {
        if (!forbid_pidfd_open()) return no_filter;
        const StopSignals signals;
        if (Command::start({"sleep", "600"}, signals)) return started;
        errno = 0;
        return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? well : child_left;
    });
    if (answer == no_filter) GTEST_SKIP() << "no seccomp filter can be set here";
    EXPECT_EQ(answer, well) << (answer == started ? "it was started" : "it still runs, or was not waited for");
}

}  // namespace
}  // namespace sockray
