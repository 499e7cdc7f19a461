// What strace saw: an account of the same system calls by somebody else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/vm/process.h"
#include "tests/vm/records.h"

namespace sockray::vm {

// A call that sent through a packet socket, or failed to.
struct SeenSend {
    std::uint64_t pid = 0;
    std::string comm;
    std::string entry;   // sendto, send (a sendto without an address), sendmsg, sendmmsg, write, writev
    std::string ifname;  // of the destination address, "" where it has none
    std::uint64_t socket_ino = 0;
    std::uint64_t len = 0;
    std::int64_t ret = 0;
    std::string error;  // "EMSGSIZE"; "" where it succeeded
};

// socket(AF_PACKET, ...)
struct SeenSocket {
    std::uint64_t pid = 0;
    int type = 0;
    int protocol = 0;  // host byte order
    std::uint64_t ino = 0;
    std::string error;
};

struct StraceLog {
    std::map<std::uint64_t, std::vector<SeenSend>> sends;  // by process, in order
    std::map<std::uint64_t, std::vector<SeenSocket>> sockets;

    std::size_t send_count() const;
    std::vector<SeenSend> sends_of(const std::string& comm) const;
};

// `command` under strace, which writes a file PREFIX.PID for each process.
Arguments under_strace(const std::string& prefix, const Arguments& command);
StraceLog read_strace(const std::string& prefix);

// Every call that strace saw is a send that sockray saw, the same in each respect and in the same order; both of the
// same program. A call on a TX ring sends many frames: what strace sees of them is one call without bytes of its own.
void expect_as_strace_saw(const std::vector<SendLine>& sends, const std::vector<SeenSend>& calls);

}  // namespace sockray::vm
