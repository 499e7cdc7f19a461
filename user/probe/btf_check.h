// Whether foreign bytes are BTF that libbpf can be given: it follows the numbers of types and the offsets in them
// without a look at where they lead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "user/base/result.h"

namespace sockray {

// More than any kernel's own, which has some 10 MiB.
inline constexpr std::size_t most_btf_bytes = std::size_t{64} << 20;

// What the kernel asks of BTF that it is given (kernel/bpf/btf.c: btf_parse_hdr, btf_parse_str_sec,
// btf_check_all_metas), in this machine's byte order: magic and version, sections inside of the bytes and apart from
// each other, at most BTF_MAX_TYPE types of known kinds, each whole, and BTF_MAX_NAME_OFFSET bytes of names. Beyond
// that: every type and name that is named is there, and no type holds itself by value, nor is nested deeper than any
// compiler makes one, since libbpf follows both without end. Errors: `failed`, with what is wrong alone.
Status check_btf(std::span<const std::uint8_t> bytes);

}  // namespace sockray
