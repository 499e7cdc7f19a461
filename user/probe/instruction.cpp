#include "user/probe/instruction.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <iterator>

#include "user/base/format.h"

namespace sockray {
namespace {

constexpr std::uint32_t all_registers = ~0U;

// A register and its parts, by the number that the encoding gives it.
int x86_number(unsigned reg) {
    static constexpr unsigned parts[][5] = {
        {X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH},
        {X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH},
        {X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH},
        {X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH},
        {X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL, X86_REG_SPL},
        {X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL, X86_REG_BPL},
        {X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL, X86_REG_SIL},
        {X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL, X86_REG_DIL},
        {X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B, X86_REG_R8B},
        {X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B, X86_REG_R9B},
        {X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B, X86_REG_R10B},
        {X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B, X86_REG_R11B},
        {X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B, X86_REG_R12B},
        {X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B, X86_REG_R13B},
        {X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B, X86_REG_R14B},
        {X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B, X86_REG_R15B},
    };
    for (std::size_t i = 0; i < std::size(parts); i++)
        if (std::ranges::find(parts[i], reg) != std::end(parts[i])) return static_cast<int>(i);
    return no_register;
}

int arm64_number(unsigned reg) {
    if (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28) return static_cast<int>(reg - ARM64_REG_X0);
    if (reg >= ARM64_REG_W0 && reg <= ARM64_REG_W30) return static_cast<int>(reg - ARM64_REG_W0);
    if (reg == ARM64_REG_X29) return 29;
    if (reg == ARM64_REG_X30) return 30;
    return no_register;
}

bool is_arm64_x(unsigned reg) {
    return (reg >= ARM64_REG_X0 && reg <= ARM64_REG_X28) || reg == ARM64_REG_X29 || reg == ARM64_REG_X30;
}

// The stack, per-CPU data and arrays hold no struct packet_sock.
void read_x86_memory(const x86_op_mem& mem, Instruction::Op op, Instruction& out) {
    if (mem.base == X86_REG_RSP || mem.segment != X86_REG_INVALID || mem.index != X86_REG_INVALID) return;
    out.base = x86_number(mem.base);  // none for rip
    out.offset = static_cast<std::uint64_t>(mem.disp);
    if (out.base != no_register) out.op = op;
}

void read_x86(const cs_insn& insn, Instruction& out) {
    using Op = Instruction::Op;
    const cs_x86& x86 = insn.detail->x86;
    const cs_x86_op* ops = x86.operands;
    const bool two = x86.op_count == 2;
    constexpr std::uint64_t zero_flag =
        X86_EFLAGS_MODIFY_ZF | X86_EFLAGS_RESET_ZF | X86_EFLAGS_SET_ZF | X86_EFLAGS_UNDEFINED_ZF;
    out.writes_flags = out.writes_flags || (x86.eflags & zero_flag) != 0;

    switch (insn.id) {
        case X86_INS_MOV:
        case X86_INS_LEA:
            if (!two || ops[0].type != X86_OP_REG || ops[1].type != X86_OP_MEM || ops[0].size != 8) break;
            out.reg = x86_number(ops[0].reg);
            read_x86_memory(ops[1].mem, insn.id == X86_INS_MOV ? Op::load : Op::add, out);
            break;
        case X86_INS_CMP:
            if (!two || ops[0].size != 8 || ops[1].type != X86_OP_IMM || ops[1].imm != 0) break;
            if (ops[0].type == X86_OP_MEM) read_x86_memory(ops[0].mem, Op::test_memory, out);
            if (ops[0].type == X86_OP_REG) out.op = Op::test_register, out.reg = x86_number(ops[0].reg);
            break;
        case X86_INS_TEST:
            if (!two || ops[0].type != X86_OP_REG || ops[1].type != X86_OP_REG) break;
            if (ops[0].reg == ops[1].reg && ops[0].size == 8)
                out.op = Op::test_register, out.reg = x86_number(ops[0].reg);
            break;
        case X86_INS_JE:
        case X86_INS_JNE:
            out.op = Op::branch;
            out.if_zero = insn.id == X86_INS_JE;
            out.target = static_cast<std::uint64_t>(ops[0].imm);
            break;
        case X86_INS_JMP:
            out.op = ops[0].type == X86_OP_IMM ? Op::jump : Op::end;
            out.target = static_cast<std::uint64_t>(ops[0].imm);
            break;
        case X86_INS_INT3: out.op = Op::breakpoint; break;
        default: break;
    }
}

void read_arm64(const cs_insn& insn, Instruction& out) {
    using Op = Instruction::Op;
    const cs_arm64& arm = insn.detail->arm64;
    const cs_arm64_op* ops = arm.operands;
    const bool two = arm.op_count == 2;
    const bool x = arm.op_count > 0 && ops[0].type == ARM64_OP_REG && is_arm64_x(ops[0].reg);
    out.writes_flags = out.writes_flags || arm.update_flags;

    switch (insn.id) {
        case ARM64_INS_LDR:
        case ARM64_INS_LDUR:
        case ARM64_INS_LDAR:
            if (!two || !x || ops[1].type != ARM64_OP_MEM || arm.writeback) break;
            if (ops[1].mem.index != ARM64_REG_INVALID) break;
            out.reg = arm64_number(ops[0].reg);
            out.base = arm64_number(ops[1].mem.base);  // none for the stack pointer
            out.offset = static_cast<std::uint64_t>(std::int64_t{ops[1].mem.disp});
            if (out.base != no_register) out.op = Op::load;
            break;
        case ARM64_INS_ADD:
            if (arm.op_count != 3 || !x || ops[2].type != ARM64_OP_IMM) break;
            out.reg = arm64_number(ops[0].reg);
            out.base = arm64_number(ops[1].reg);
            out.offset = static_cast<std::uint64_t>(ops[2].imm)
                         << (ops[2].shift.type == ARM64_SFT_LSL ? ops[2].shift.value & 63U : 0);
            if (out.base != no_register) out.op = Op::add;
            break;
        case ARM64_INS_CMP:
        case ARM64_INS_TST:
            if (!two || !x) break;
            if (insn.id == ARM64_INS_CMP && (ops[1].type != ARM64_OP_IMM || ops[1].imm != 0)) break;
            if (insn.id == ARM64_INS_TST && (ops[1].type != ARM64_OP_REG || ops[1].reg != ops[0].reg)) break;
            if (ops[1].shift.value != 0) break;
            out.op = Op::test_register;
            out.reg = arm64_number(ops[0].reg);
            break;
        case ARM64_INS_CBZ:
        case ARM64_INS_CBNZ:
            if (!x) break;
            out.op = Op::branch;
            out.reg = arm64_number(ops[0].reg);
            out.if_zero = insn.id == ARM64_INS_CBZ;
            out.target = static_cast<std::uint64_t>(ops[1].imm);
            break;
        case ARM64_INS_B:
            if (arm.cc == ARM64_CC_EQ || arm.cc == ARM64_CC_NE) out.op = Op::branch;
            if (arm.cc == ARM64_CC_INVALID || arm.cc == ARM64_CC_AL || arm.cc == ARM64_CC_NV) out.op = Op::jump;
            out.if_zero = arm.cc == ARM64_CC_EQ;
            out.target = static_cast<std::uint64_t>(ops[0].imm);
            break;
        case ARM64_INS_BL:  // to Capstone it is a jump
        case ARM64_INS_BLR: out.op = Op::call; break;
        case ARM64_INS_BRK: out.op = Op::breakpoint; break;
        case ARM64_INS_BR: out.op = Op::end; break;
        default: break;
    }
}

}  // namespace

static_assert(sizeof(csh) == sizeof(std::size_t));

Decoder::~Decoder() {
    if (insn_) cs_free(insn_, 1);
    if (handle_) cs_close(&handle_);
}

Status Decoder::open(Machine machine) {
    machine_ = machine;
    const cs_err error = machine == Machine::x86_64 ? cs_open(CS_ARCH_X86, CS_MODE_64, &handle_)
                                                    : cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle_);
    if (error != CS_ERR_OK) return fail(fmt::format("cannot start Capstone: {}", cs_strerror(error)));
    if (cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
        return fail("cannot use this Capstone: it was built without CS_OPT_DETAIL");
    insn_ = cs_malloc(handle_);
    if (!insn_) return fail("cannot start Capstone: out of memory");
    return {};
}

bool Decoder::in_group(unsigned group) const {
    return cs_insn_group(handle_, insn_, group);
}

// Doubt counts as a write: what is lost then is a stage's location, what is risked otherwise is a wrong one.
void Decoder::note_writes(Instruction& out) const {
    const bool x86 = machine_ == Machine::x86_64;
    cs_regs read{};
    cs_regs written{};
    std::uint8_t read_count = 0;
    std::uint8_t written_count = 0;
    if (cs_regs_access(handle_, insn_, read, &read_count, written, &written_count) != CS_ERR_OK) {
        out.writes = all_registers;
        out.writes_flags = true;
        return;
    }
    for (const unsigned reg : std::span(written, written_count)) {
        const int number = x86 ? x86_number(reg) : arm64_number(reg);
        if (number != no_register) out.writes |= 1U << number;
        if (reg == (x86 ? unsigned{X86_REG_EFLAGS} : unsigned{ARM64_REG_NZCV})) out.writes_flags = true;
    }
}

std::optional<Instruction> Decoder::decode(std::span<const std::byte> code, std::uint64_t at) const {
    using Op = Instruction::Op;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(code.data()) + at;
    std::size_t left = code.size() - at;
    std::uint64_t address = at;  // so that targets come out as offsets from the function's start
    if (!cs_disasm_iter(handle_, &bytes, &left, &address, insn_)) return std::nullopt;
    Instruction out;
    out.size = insn_->size;
    note_writes(out);
    if (in_group(CS_GRP_JUMP) || in_group(CS_GRP_BRANCH_RELATIVE)) out.op = Op::other_branch;
    if (in_group(CS_GRP_CALL)) out.op = Op::call;
    if (in_group(CS_GRP_RET) || in_group(CS_GRP_INT) || in_group(CS_GRP_IRET)) out.op = Op::end;
    if (machine_ == Machine::x86_64)
        read_x86(*insn_, out);
    else
        read_arm64(*insn_, out);
    return out;
}

}  // namespace sockray
