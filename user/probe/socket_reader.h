// The packet sockets that processes hold, as bpf/sockets.bpf.c reads them: the sockets themselves, whose counters stay
// as they are.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bpf/socket_entry.h"
#include "user/base/fd.h"
#include "user/base/result.h"

namespace sockray {

class LiveKernel;

// Reads them at moments that come later: what needs privileges is done by open().
class SocketReader {
  public:
    // For so many readings. Errors: not_allowed, with what the kernel answered; no packet_ops in kallsyms.
    static Result<SocketReader> open(const LiveKernel& kernel, std::size_t readings);

    // An entry for each descriptor that leads to a packet socket. Errors: what the kernel answered; records that make
    // no sense; no reading is left.
    Result<std::vector<sr_socket_entry>> read();

  private:
    std::vector<Fd> left_;  // each gives all sockets once, of the moment at which it is read
};

// `bytes`: whole records, one behind the other. Errors: anything else.
Result<std::vector<sr_socket_entry>> decode_socket_entries(std::span<const std::byte> bytes);

}  // namespace sockray
