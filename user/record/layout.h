// What writer and reader agree on beside pcapng and recording.proto.
#pragma once

#include <cstdint>
#include <string_view>

namespace sockray {

// A block of a type for local use, which other programs pass over. Its body: these eight bytes, the length of the entry
// in bytes as a word in the section's byte order, and the entry.
inline constexpr std::uint32_t entry_block = 0x80735279;
inline constexpr std::string_view entry_magic = "sockray1";

// The description of an interface: its ifindex, and the inode of its network namespace. For fmt, and for sscanf.
inline constexpr char interface_words[] = "ifindex {} in netns {}";
inline constexpr char interface_scan[] = "ifindex %d in netns %u";

}  // namespace sockray
