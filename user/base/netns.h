// Network namespaces as people name them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "user/base/result.h"

namespace sockray {

// The inode of the network namespace that `text` names: a name of `ip netns` (a file in /run/netns), a path of a
// namespace's file ("/proc/71/ns/net": what has a slash), the number of a process that is in it, or the inode itself,
// as lsns shows it ("4026531840") or readlink ("net:[4026531840]"): no process has so high a number. As with iproute2 a
// name goes before a process. Errors: usage, where there is none (of an inode nobody can tell); not_allowed, where
// /proc does not let us look.
Result<std::uint32_t> find_netns(const std::string& text);

// The inode of the calling thread's own. Errors: there is no /proc.
Result<std::uint32_t> current_netns();

// The calling thread goes into that namespace; its later threads begin there. Errors: as above; usage for an inode, by
// which no namespace can be opened; not_allowed without CAP_SYS_ADMIN.
Status enter_netns(const std::string& text);

// Runs `work` in a thread of its own that has entered that namespace; the caller stays where it is. Errors: as
// enter_netns, or there can be no thread; `work` was not run then.
Status within_netns(const std::string& text, const std::function<void()>& work);

}  // namespace sockray
