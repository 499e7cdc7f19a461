// One machine instruction, reduced to what matters for following a value through a function: loads, tests, branches
// and what is overwritten. Decoded by Capstone; the same for x86-64 and arm64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "user/base/result.h"

struct cs_insn;

namespace sockray {

enum class Machine { x86_64, arm64 };

inline constexpr int no_register = -1;
inline constexpr std::size_t register_count = 32;

// What of an instruction matters here, the same for all machines. General registers go by their number.
struct Instruction {
    enum class Op {
        other,
        load,           // reg = [base + offset], 64 bits
        add,            // reg = base + offset
        test_memory,    // flags of [base + offset] compared with 0, 64 bits
        test_register,  // flags of reg compared with 0, 64 bits
        branch,         // on zero or not zero: of reg, or by the flags when reg is no_register
        other_branch,   // on any other condition
        jump,           // to a fixed target
        call,
        breakpoint,
        end  // control goes where the code does not say, or nowhere
    };
    Op op = Op::other;
    std::uint64_t size = 0;
    int reg = no_register;
    int base = no_register;
    std::uint64_t offset = 0;
    std::uint64_t target = 0;  // branch, jump: offset from the function's start; huge when before it
    bool if_zero = false;      // branch: taken when the value is 0
    std::uint32_t writes = 0;  // bit a register: overwritten, wholly or in part
    bool writes_flags = false;
};

// A Capstone engine and room for one instruction.
class Decoder {
  public:
    Decoder() = default;
    ~Decoder();
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    Decoder(Decoder&&) = delete;
    Decoder& operator=(Decoder&&) = delete;

    // Errors: Capstone cannot be started. Before decode().
    Status open(Machine machine);

    // The instruction `at` bytes into `code`, or nothing where there is none that Capstone knows.
    std::optional<Instruction> decode(std::span<const std::byte> code, std::uint64_t at) const;

  private:
    bool in_group(unsigned group) const;
    void note_writes(Instruction& out) const;

    Machine machine_ = Machine::x86_64;
    std::size_t handle_ = 0;   // Capstone's csh
    cs_insn* insn_ = nullptr;  // owned; reused for every instruction
};

}  // namespace sockray
