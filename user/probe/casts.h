// Plain loads instead of copies: the programs tell the verifier what pointers point to, where the kernel takes their
// word.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "bpf/records.h"
#include "user/base/result.h"

struct bpf_object;

namespace sockray {

class LiveKernel;

// Numbers in the kernel's own BTF.
struct Casts {
    std::uint32_t function = 0;                          // bpf_rdonly_cast (kernel/bpf/helpers.c, since 6.2)
    std::array<std::uint32_t, SR_CAST_COUNT> structs{};  // by SR_CAST_*
};

// None where the kernel has no such function or does not let a program call it, and where the types come from a file:
// the verifier goes by the kernel's own.
std::optional<Casts> find_casts(const LiveKernel& kernel);

// Makes calls of that function of those that stand for it (bpf/read.bpf.h), in all programs. Between open and load.
Status put_casts(bpf_object* object, const Casts& casts);

}  // namespace sockray
