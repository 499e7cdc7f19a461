// The verbs of the command line: their options as parsed, and what carries each out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "user/drive/socket.h"

namespace sockray {

// Exit statuses, fixed by DESIGN.md. ErrorKind maps onto them.
inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_allowed = 3;

inline constexpr std::uint32_t default_ring_bytes = 8U << 20;

struct DoctorOptions {
    bool json = false;
};

struct OpsOptions {
    bool json = false;
};

struct SocketsOptions {
    bool json = false;
};

struct RunOptions {
    std::string interface;
    std::uint64_t count = 0;
    std::uint64_t size = 0;  // bytes, Ethernet header included
    std::uint64_t rate = 0;  // sends per second, 0: no limit
    unsigned threads = 1;
    SocketType socket = SocketType::raw;
    SendMethod method = SendMethod::sendto;
    std::uint64_t ring_bytes = default_ring_bytes;
    bool json = false;
};

struct TraceVerbOptions {
    std::uint32_t pid = 0;
    std::string comm;
    std::string interface;
    std::uint64_t count = 0;  // 0: no limit
    std::uint64_t ring_bytes = default_ring_bytes;
    bool tree = false;
    bool json = false;
    std::vector<std::string> command;
};

// Each returns the exit status, having said on standard error what went wrong.
int doctor(const DoctorOptions& options);
int ops(const OpsOptions& options);
int sockets(const SocketsOptions& options);
int run(const RunOptions& options);
int trace(const TraceVerbOptions& options);

}  // namespace sockray
