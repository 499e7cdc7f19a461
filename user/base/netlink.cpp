#include "user/base/netlink.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "user/base/fd.h"

namespace sockray {
namespace {

int send_request(const Fd& fd, std::uint16_t type, std::span<const std::byte> body) {
    static_assert(sizeof(nlmsghdr) == NLMSG_HDRLEN);
    nlmsghdr header{};
    header.nlmsg_len = static_cast<__u32>(NLMSG_LENGTH(body.size()));
    header.nlmsg_type = type;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    iovec parts[] = {{&header, sizeof header}, {const_cast<std::byte*>(body.data()), body.size()}};
    return ::writev(fd.get(), parts, 2) < 0 ? errno : 0;
}

// How a dump ended: with an errno where the kernel had to stop in the middle (net/netlink/af_netlink.c, netlink_dump).
int done_error(const nlmsghdr* message) {
    int error = 0;
    if (message->nlmsg_len >= NLMSG_LENGTH(sizeof error)) std::memcpy(&error, NLMSG_DATA(message), sizeof error);
    return error < 0 ? -error : 0;
}

}  // namespace

int netlink_error(const nlmsghdr* message) {
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return EBADMSG;
    const int error = static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
    return error == 0 ? EBADMSG : -error;
}

int netlink_dump(int protocol, std::uint16_t type, std::span<const std::byte> body,
                 const std::function<void(const nlmsghdr*)>& take) {
    const Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!fd) return errno;
    if (const int error = send_request(fd, type, body)) return error;
    alignas(nlmsghdr) char answer[32768];  // the kernel makes no larger pieces, unless a kind asks for it
    bool changed = false;
    for (;;) {
        const ssize_t got = ::recv(fd.get(), answer, sizeof answer, MSG_TRUNC);  // the size that it had
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        auto size = static_cast<std::size_t>(got);
        if (size > sizeof answer) return EMSGSIZE;
        const auto* message = reinterpret_cast<const nlmsghdr*>(answer);
        if (!NLMSG_OK(message, size)) return EBADMSG;
        for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
            changed = changed || (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
            if (message->nlmsg_type == NLMSG_DONE) {
                const int error = done_error(message);
                return error == 0 && changed ? EAGAIN : error;
            }
            if (message->nlmsg_type == NLMSG_ERROR) return netlink_error(message);
            take(message);
        }
    }
}

}  // namespace sockray
