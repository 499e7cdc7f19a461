// How much of each kind a recording may hold that is kept while it is read: several times what any session has, so that
// memory stays bounded whatever bytes a file is made of (docs/recording.md, "Cut off and damaged").
#pragma once

#include <cstddef>

namespace sockray::limits {

inline constexpr std::size_t text_bytes = 4096;       // of a reason, a name: theirs have hundreds at most
inline constexpr std::size_t command_words = 4096;    // of Origin.command: what is beyond is cut, and so is each word
inline constexpr std::size_t alternatives = 64;       // of a stage of the plan: there are a few kinds of hooks
inline constexpr std::size_t stages = 1024;           // that the ledger tells of: a later sockray may know more
inline constexpr std::size_t devices = 65536;         // whose counters the ledger has
inline constexpr std::size_t receivers = 65536;       // the same, of packet sockets
inline constexpr std::size_t cpus = 65536;            // NR_CPUS of the kernel is 8192 at most
inline constexpr std::size_t names = 65536;           // of functions, and as many drop reasons
inline constexpr std::size_t name_bytes = 16U << 20;  // of all names together
inline constexpr std::size_t interfaces = 65536;      // of a section
inline constexpr std::size_t ifname_bytes = 255;      // IFNAMSIZ is 16
inline constexpr std::size_t files = std::size_t{1} << 18;  // of a session: more do not fit on a command line
inline constexpr std::size_t notes = 64;                    // lines of what was not read

}  // namespace sockray::limits
