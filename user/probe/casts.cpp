#include "user/probe/casts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <cstddef>
#include <iterator>
#include <vector>

#include "user/base/fd.h"
#include "user/probe/live_kernel.h"

namespace sockray {
namespace {

bpf_insn instruction(int code, int to, int from, std::int32_t value) {
    bpf_insn one{};
    one.code = static_cast<__u8>(code);
    one.dst_reg = static_cast<__u8>(to & 0xf);
    one.src_reg = static_cast<__u8>(from & 0xf);
    one.imm = value;
    return one;
}

// What works is found by doing it: a program that casts its context to the struct `type`.
bool may_call(std::uint32_t function, std::uint32_t type) {
    constexpr int set = BPF_ALU64 | BPF_MOV | BPF_K;
    const bpf_insn code[] = {
        instruction(set, BPF_REG_2, 0, static_cast<std::int32_t>(type)),
        instruction(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, static_cast<std::int32_t>(function)),
        instruction(set, BPF_REG_0, 0, 0),
        instruction(BPF_JMP | BPF_EXIT, 0, 0, 0),
    };
    return static_cast<bool>(
        Fd(bpf_prog_load(BPF_PROG_TYPE_KPROBE, "sockray_cast", "GPL", code, std::size(code), nullptr)));
}

}  // namespace

std::optional<Casts> find_casts(const LiveKernel& kernel) {
    if (!kernel.has_own_types || kernel.types.are_of_file()) return std::nullopt;
#define SR_CAST_NAME(name) #name,
    constexpr const char* names[] = {SR_CAST_STRUCTS(SR_CAST_NAME)};
#undef SR_CAST_NAME
    const auto function = kernel.types.function("bpf_rdonly_cast");
    if (!function) return std::nullopt;
    Casts casts{*function, {}};
    for (std::size_t i = 0; i < casts.structs.size(); i++) {
        // Types of a module have other numbers: af_packet is one where CONFIG_PACKET=m.
        const auto type = kernel.types.structure(names[i]);
        if (!type) return std::nullopt;
        casts.structs[i] = *type;
    }
    if (!may_call(casts.function, casts.structs[SR_CAST_packet_sock])) return std::nullopt;
    return casts;
}

Status put_casts(bpf_object* object, const Casts& casts) {
    constexpr auto last = static_cast<std::int32_t>(SR_CAST_TYPE + SR_CAST_COUNT);
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
        const bpf_insn* const first = bpf_program__insns(program);
        std::vector<bpf_insn> code(first, first + bpf_program__insn_cnt(program));
        bool changed = false;
        for (bpf_insn& one : code) {
            if (one.code == (BPF_JMP | BPF_CALL) && one.src_reg == 0 && one.imm == SR_CAST_CALL) {
                one.src_reg = BPF_PSEUDO_KFUNC_CALL;
                one.imm = static_cast<std::int32_t>(casts.function);
                changed = true;
            } else if (one.code == (BPF_ALU64 | BPF_MOV | BPF_K) && one.imm >= SR_CAST_TYPE && one.imm < last) {
                one.imm = static_cast<std::int32_t>(casts.structs[static_cast<std::size_t>(one.imm - SR_CAST_TYPE)]);
                changed = true;
            }
        }
        if (changed && bpf_program__set_insns(program, code.data(), code.size()) != 0)
            return fail("cannot change the tracing programs for this kernel");
    }
    return {};
}

}  // namespace sockray
