#include "user/base/write_all.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>

namespace sockray {
namespace {

// A reader that has only fallen behind is not one that has gone.
constexpr int patience_ms = 1000;

}  // namespace

std::size_t piece_for(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? SIZE_MAX : PIPE_BUF;
}

int write_all(int fd, std::string_view bytes, std::size_t piece, int stop_fd, std::size_t* written) {
    std::size_t unused = 0;
    std::size_t& done = written ? *written : unused;
    done = 0;
    while (!bytes.empty()) {
        if (stop_fd >= 0) {
            pollfd waits[] = {{fd, POLLOUT, 0}, {stop_fd, POLLIN, 0}};
            if (::poll(waits, 2, -1) < 0 && errno != EINTR) return errno;
            if (waits[0].revents == 0 && waits[1].revents != 0 && ::poll(waits, 1, patience_ms) == 0) return ECANCELED;
        }
        const ssize_t count = ::write(fd, bytes.data(), std::min(bytes.size(), piece));
        if (count < 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        done += static_cast<std::size_t>(count);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return 0;
}

}  // namespace sockray
