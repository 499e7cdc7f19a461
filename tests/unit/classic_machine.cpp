#include "tests/unit/classic_machine.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#define SR_READ(to, size, from) (std::memcpy(to, reinterpret_cast<const void*>(from), size), 0)
#include "bpf/classic.h"

// libpcap's header defines the names of linux/filter.h once more.
extern "C" unsigned bpf_filter(const void* program, const unsigned char* frame, unsigned length, unsigned captured);

namespace sockray {

std::optional<std::uint32_t> run_classic(std::span<const sr_instruction> program, const SplitFrame& frame) {
    // Copies of exact size, so that a sanitizer sees a byte too many.
    const std::vector<std::uint8_t> head(frame.bytes.begin(),
                                         frame.bytes.begin() + static_cast<std::ptrdiff_t>(frame.head));
    const std::vector<std::uint8_t> rest(frame.bytes.begin() + static_cast<std::ptrdiff_t>(frame.head),
                                         frame.bytes.end());
    sr_machine machine{};
    machine.end = static_cast<std::uint32_t>(program.size());
    machine.bytes = static_cast<std::uint32_t>(frame.bytes.size());
    machine.head_bytes = static_cast<std::uint32_t>(frame.head);
    machine.head = reinterpret_cast<std::uint64_t>(head.data());
    machine.reach = frame.rest_readable ? machine.bytes : machine.head_bytes;
    if (frame.rest_readable && !rest.empty()) machine.rest = reinterpret_cast<std::uint64_t>(rest.data()) - frame.head;
    while (sr_classic_step(&machine, &program[machine.pc])) {
    }
    if (machine.state == SR_CLASSIC_UNREAD) return std::nullopt;
    return machine.a;
}

std::uint32_t run_libpcap(std::span<const sr_instruction> program, std::span<const std::uint8_t> frame) {
    const auto size = static_cast<unsigned>(frame.size());
    return ::bpf_filter(program.data(), frame.data(), size, size);
}

FilterProgram random_program(const std::function<std::uint32_t()>& next, std::size_t size) {
    static constexpr std::uint16_t codes[] = {BPF_LD | BPF_W | BPF_ABS,
                                              BPF_LD | BPF_H | BPF_ABS,
                                              BPF_LD | BPF_B | BPF_ABS,
                                              BPF_LD | BPF_W | BPF_IND,
                                              BPF_LD | BPF_H | BPF_IND,
                                              BPF_LD | BPF_B | BPF_IND,
                                              BPF_LD | BPF_W | BPF_LEN,
                                              BPF_LD | BPF_IMM,
                                              BPF_LD | BPF_MEM,
                                              BPF_LDX | BPF_W | BPF_LEN,
                                              BPF_LDX | BPF_B | BPF_MSH,
                                              BPF_LDX | BPF_IMM,
                                              BPF_LDX | BPF_MEM,
                                              BPF_ST,
                                              BPF_STX,
                                              BPF_ALU | BPF_ADD | BPF_K,
                                              BPF_ALU | BPF_SUB | BPF_K,
                                              BPF_ALU | BPF_MUL | BPF_K,
                                              BPF_ALU | BPF_DIV | BPF_K,
                                              BPF_ALU | BPF_MOD | BPF_K,
                                              BPF_ALU | BPF_AND | BPF_K,
                                              BPF_ALU | BPF_OR | BPF_K,
                                              BPF_ALU | BPF_XOR | BPF_K,
                                              BPF_ALU | BPF_LSH | BPF_K,
                                              BPF_ALU | BPF_RSH | BPF_K,
                                              BPF_ALU | BPF_ADD | BPF_X,
                                              BPF_ALU | BPF_SUB | BPF_X,
                                              BPF_ALU | BPF_MUL | BPF_X,
                                              BPF_ALU | BPF_DIV | BPF_X,
                                              BPF_ALU | BPF_MOD | BPF_X,
                                              BPF_ALU | BPF_AND | BPF_X,
                                              BPF_ALU | BPF_OR | BPF_X,
                                              BPF_ALU | BPF_XOR | BPF_X,
                                              BPF_ALU | BPF_LSH | BPF_X,
                                              BPF_ALU | BPF_RSH | BPF_X,
                                              BPF_ALU | BPF_NEG,
                                              BPF_JMP | BPF_JA,
                                              BPF_JMP | BPF_JEQ | BPF_K,
                                              BPF_JMP | BPF_JGT | BPF_K,
                                              BPF_JMP | BPF_JGE | BPF_K,
                                              BPF_JMP | BPF_JSET | BPF_K,
                                              BPF_JMP | BPF_JEQ | BPF_X,
                                              BPF_JMP | BPF_JGT | BPF_X,
                                              BPF_JMP | BPF_JGE | BPF_X,
                                              BPF_JMP | BPF_JSET | BPF_X,
                                              BPF_MISC | BPF_TAX,
                                              BPF_MISC | BPF_TXA,
                                              BPF_RET | BPF_K,
                                              BPF_RET | BPF_A};
    FilterProgram program;
    for (std::uint32_t i = 0; i < BPF_MEMWORDS; i++)
        program.push_back({BPF_ST, 0, 0, i});  // libpcap leaves it undefined
    for (std::size_t i = 0; i < size; i++) {
        sr_instruction one{codes[next() % std::size(codes)], 0, 0, next()};
        const std::uint32_t kind = next();
        if (kind & 1) one.k %= 100;                                       // near the frame
        const std::uint32_t left = static_cast<std::uint32_t>(size - i);  // the return below is still ahead
        switch (BPF_CLASS(one.code)) {
            case BPF_ST:
            case BPF_STX: one.k %= BPF_MEMWORDS; break;
            case BPF_LD:
            case BPF_LDX:
                if (BPF_MODE(one.code) == BPF_MEM) one.k %= BPF_MEMWORDS;
                break;
            case BPF_ALU:
                if (BPF_OP(one.code) == BPF_LSH || BPF_OP(one.code) == BPF_RSH) one.k %= 32;
                if (BPF_OP(one.code) == BPF_DIV || BPF_OP(one.code) == BPF_MOD) one.k += one.k == 0;
                break;
            case BPF_JMP:
                if (BPF_OP(one.code) == BPF_JA) one.k %= left;
                one.jt = static_cast<std::uint8_t>(kind >> 8 & 0xff) % static_cast<std::uint8_t>(std::min(left, 255U));
                one.jf = static_cast<std::uint8_t>(kind >> 16 & 0xff) % static_cast<std::uint8_t>(std::min(left, 255U));
                break;
            default: break;
        }
        program.push_back(one);
    }
    program.push_back({BPF_RET | BPF_A, 0, 0, 0});
    return program;
}

}  // namespace sockray
