// What ss says of packet sockets: an account of the same sockets by somebody else, who asks sock_diag and /proc.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/vm/process.h"
#include "tests/vm/records.h"

namespace sockray::vm {

struct SsSocket {
    std::string kind;            // "p_raw", "p_dgr"
    std::uint64_t received = 0;  // bytes that wait
    std::string local;           // "[2048]:veth0"
    std::uint64_t ino = 0;
    std::uint64_t uid = 0;
    std::set<std::tuple<std::string, std::uint64_t, std::uint64_t>> holders;  // name, process, descriptor
    std::string line;                                                         // all of it
};

// All that ss tells of the packet sockets of its network namespace: `options` say in which it runs.
Completed run_ss(const RunOptions& options = {});
std::vector<SsSocket> read_ss(const std::string& text);

// The same socket in the words of sockray: everything that both tell is the same, and what ss tells sockray does too.
void expect_as_ss_says(const SsSocket& theirs, const Json& ours);

}  // namespace sockray::vm
