#include "user/base/confined.h"

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "user/base/fd.h"
#include "user/base/format.h"

namespace sockray {
namespace {

constexpr uid_t nobody = 65534;
constexpr int not_confined = 125;

// False: it may still do more than it should.
bool give_everything_up() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::setrlimit(RLIMIT_FSIZE, &none);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    // Where a user namespace does not have this user, root stays root without capabilities.
    if (::geteuid() == 0 && ::setgroups(0, nullptr) == 0 && ::setresgid(nobody, nobody, nobody) == 0) [[maybe_unused]]
        const int changed = ::setresuid(nobody, nobody, nobody);
    capng_clear(CAPNG_SELECT_CAPS);
    return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

// All that comes, up to `most`; then the reader goes away.
int read_all(int fd, std::size_t most, std::vector<std::uint8_t>& bytes) {
    std::array<std::uint8_t, 65536> piece;
    while (bytes.size() < most) {
        const ssize_t got = ::read(fd, piece.data(), std::min(piece.size(), most - bytes.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) break;
        bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
    }
    return 0;
}

}  // namespace

Result<std::vector<std::uint8_t>> confined(const std::string& what, std::size_t most,
                                           const std::function<void(int fd)>& work) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(fmt::format("cannot {}: no pipe: {}", what, errno_text(errno)));
    Fd reading(ends[0]);
    Fd writing(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return fail(fmt::format("cannot {}: no process for it: {}", what, errno_text(errno)));
    if (child == 0) {
        reading.reset();
        if (!give_everything_up()) ::_exit(not_confined);
        work(writing.get());
        ::_exit(0);
    }
    writing.reset();
    std::vector<std::uint8_t> bytes;
    const int err = read_all(reading.get(), most, bytes);
    reading.reset();
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (err) return fail(fmt::format("cannot {}: {}", what, errno_text(err)));
    if (WIFSIGNALED(status))
        return fail(fmt::format("cannot {}: its reader was ended by signal {}", what, WTERMSIG(status)),
                    "the file is damaged, or made to do harm");
    if (WEXITSTATUS(status) != 0) return fail(fmt::format("cannot {}: its reader could not be confined", what));
    return bytes;
}

}  // namespace sockray
