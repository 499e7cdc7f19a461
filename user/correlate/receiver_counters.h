// What the packet sockets of this machine that got the frames count themselves, beside what the sends say of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sockray {

struct ReceiverDelta {
    std::uint64_t socket_ino = 0;
    std::uint32_t pid = 0;  // of a process that holds it; 0: none was seen to
    std::string comm;       // its name: may be hostile

    // By the sends' records.
    std::uint64_t taken = 0;
    std::uint64_t full = 0;      // it had no room
    std::uint64_t filtered = 0;  // it did not want them
    std::uint64_t unknown = 0;   // what it did its counts did not tell

    // By how much its own counters grew while tracing ran.
    std::uint64_t tp_packets = 0;  // as getsockopt(PACKET_STATISTICS) tells them: with those that found no room
    std::uint64_t tp_drops = 0;
    std::optional<std::uint64_t> sk_drops =
        std::nullopt;  // the same drops, which nobody sets to 0; of a socket with a ring none

    bool opened = false;  // it was not there when tracing began: its counters are since then
    bool gone = false;    // no process holds it any more, so no counter above holds
    bool reset = false;   // its owner was seen to have asked for tp_*, which sets them to 0: they are since then
    bool tap = false;     // as a tap it gets copies of frames of the sends on their way out

    bool operator==(const ReceiverDelta&) const = default;
};

struct ReceiverCounters {
    std::vector<ReceiverDelta> sockets;  // by inode
    std::uint64_t own = 0;               // offers to sockets of sockray itself
    std::uint64_t unnamed = 0;           // offers to sockets beyond those that are named, or kept apart
    std::string unread;                  // why the counters could not be read; then there are no sockets

    bool operator==(const ReceiverCounters&) const = default;
};

}  // namespace sockray
