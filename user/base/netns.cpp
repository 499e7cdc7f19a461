#include "user/base/netns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr int longest_shown = 80;
constexpr std::uint32_t first_inode = 0xf0000000;  // include/linux/proc_ns.h, fs/proc/generic.c: PROC_DYNAMIC_FIRST

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// As lsns shows it, or as the link in /proc reads: net:[4026531840].
std::optional<std::uint32_t> inode_in(std::string_view text) {
    constexpr std::string_view before = "net:[";
    if (text.starts_with(before) && text.ends_with(']'))
        text = text.substr(before.size(), text.size() - before.size() - 1);
    std::uint32_t inode = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), inode);
    if (error != std::errc() || end != text.data() + text.size() || inode < first_inode) return std::nullopt;
    return inode;
}

std::string path_of(const std::string& text) {
    if (text.find('/') != std::string::npos) return text;
    const std::string named = "/run/netns/" + text;
    struct stat status {};
    if (is_number(text) && ::stat(named.c_str(), &status) != 0) return "/proc/" + text + "/ns/net";
    return named;
}

Result<Fd> open_netns(const std::string& text) {
    const std::string path = path_of(text);
    const std::string shown = shortened(printable(text), longest_shown);
    // Not blocking: it may be a pipe.
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        const int err = errno;
        const std::string what = fmt::format("there is no network namespace '{}': {}: {}", shown,
                                             shortened(printable(path), longest_shown), errno_text(err));
        if (err == EACCES || err == EPERM) return not_allowed(what, "run as root");
        return usage(what, "give a name that `ip netns` lists, a path such as /proc/71/ns/net, a process, or an inode");
    }
    if (::ioctl(file.get(), NS_GET_NSTYPE) != CLONE_NEWNET)
        return usage(fmt::format("{} is no network namespace", shortened(printable(path), longest_shown)));
    return file;
}

}  // namespace

Result<std::uint32_t> find_netns(const std::string& text) {
    if (const auto inode = inode_in(text)) return *inode;
    const auto file = open_netns(text);
    if (!file) return tl::unexpected(file.error());
    struct stat status {};
    if (::fstat(file->get(), &status) != 0)
        return fail(fmt::format("cannot tell the inode of a network namespace: {}", errno_text(errno)));
    return static_cast<std::uint32_t>(status.st_ino);  // unsigned int in the kernel: struct ns_common
}

// A thread may be in another network namespace than its process, hence thread-self.
Result<std::uint32_t> current_netns() {
    constexpr const char* path = "/proc/thread-self/ns/net";
    struct stat status {};
    if (::stat(path, &status) != 0)
        return fail(fmt::format("cannot tell the network namespace: stat {}: {}", path, errno_text(errno)),
                    "mount proc: mount -t proc proc /proc");
    return static_cast<std::uint32_t>(status.st_ino);
}

Status enter_netns(const std::string& text) {
    const std::string shown = shortened(printable(text), longest_shown);
    if (inode_in(text))
        return usage(fmt::format("a network namespace cannot be entered by its inode ({})", shown),
                     "give a process that is in it: lsns -t net shows one");
    const auto file = open_netns(text);
    if (!file) return tl::unexpected(file.error());
    if (::setns(file->get(), CLONE_NEWNET) == 0) return {};
    const std::string what = fmt::format("cannot enter the network namespace '{}': {}", shown, errno_text(errno));
    return errno == EPERM ? Status(not_allowed(what, "run as root")) : Status(fail(what));
}

// In a thread, which ends, since a way back is not sure: it takes a descriptor of the namespace that was left, and
// privileges in it.
Status within_netns(const std::string& text, const std::function<void()>& work) {
    Status entered;
    try {
        std::thread([&] {
            entered = enter_netns(text);
            if (entered) work();
        }).join();
    } catch (const std::system_error& error) {
        return fail(fmt::format("cannot start a thread for another network namespace: {}", error.code().message()),
                    "raise the limit of processes (ulimit -u, or pids.max of the control group)");
    }
    return entered;
}

}  // namespace sockray
