// A kernel's types out of a file that somebody gave.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "user/base/result.h"

namespace sockray {

// The BTF in `file`: all of it, or the section .BTF of an ELF file of this machine's kind. It is looked for in a child
// without privileges (user/base/confined.h: no threads yet) and has passed check_btf(). Errors: `failed`.
Result<std::vector<std::uint8_t>> read_btf_file(const std::string& file);

}  // namespace sockray
