// Names of the running kernel, for records that hold its addresses and numbers.
#pragma once

#include <cstdint>
#include <string>

namespace sockray {

// Answered by the live kernel (user/probe) or, later, by a recording.
class KernelNames {
  public:
    virtual ~KernelNames() = default;

    // "packet_ops", or "packet_sendmsg+0x1c" inside a symbol, or "0x..." where no symbol is known. "0" for address 0.
    virtual std::string symbol(std::uint64_t address) const = 0;

    // "QDISC_DROP" for a number of enum skb_drop_reason, or "reason 17" where the kernel gives no name.
    virtual std::string drop_reason(std::uint32_t number) const = 0;
};

}  // namespace sockray
