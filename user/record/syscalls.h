// System calls have other numbers on other architectures: those by which frames are sent.
#pragma once

#include <cstdint>
#include <string_view>

namespace sockray {

// The number on this machine of the call that has this number on a machine of this kind (`uname -m`: "x86_64",
// "aarch64"); -1 where the kind or the call is not known. Numbers of this machine's own kind stay as they are.
std::int32_t own_syscall(std::int32_t number, std::string_view machine);

// Whether a machine of this kind is of this machine's own kind, where all numbers stay as they are.
bool has_own_syscalls(std::string_view machine);

}  // namespace sockray
