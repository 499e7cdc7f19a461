#include "user/probe/inlined.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "user/base/format.h"

namespace sockray {
namespace {

// The test comes 13th to 19th on the kernels that were looked at.
constexpr int max_instructions = 100;
// ftrace's call stands behind at most endbr64 (x86), or bti, `mov x9, x30` and paciasp (arm64).
constexpr std::uint64_t entry_bytes = 16;

// What is known on the straight line so far.
struct Known {
    using At = std::optional<std::uint64_t>;  // offset of the instruction that read pg_vec

    At read;                                               // the first, whatever came of it
    At flags;                                              // zero flag: pg_vec is NULL
    std::array<At, register_count> loaded{};               // the register holds pg_vec
    std::array<std::uint64_t, register_count> distance{};  // the register points so far into a structure

    void forget() { *this = Known{read, {}, {}, {}}; }
};

// What the instruction `at` does to it; for instructions that do not move control.
void apply(const Instruction& insn, std::uint64_t at, std::uint64_t pg_vec_offset, Known& known) {
    using Op = Instruction::Op;
    const auto base = static_cast<std::size_t>(insn.base);
    const auto reg = static_cast<std::size_t>(insn.reg);
    const bool has_reg = insn.reg != no_register;
    const std::uint64_t offset = insn.offset + (insn.base != no_register ? known.distance[base] : 0);
    const Known::At read = offset == pg_vec_offset ? Known::At(at) : std::nullopt;
    const Known::At tested = insn.op == Op::test_register && has_reg ? known.loaded[reg] : std::nullopt;

    for (std::size_t i = 0; i < register_count; i++) {
        if ((insn.writes >> i & 1U) == 0) continue;
        known.loaded[i].reset();
        known.distance[i] = 0;
    }
    if (insn.writes_flags) known.flags.reset();

    if ((insn.op == Op::test_memory || insn.op == Op::load) && !known.read) known.read = read;
    if (insn.op == Op::test_memory) known.flags = read;
    if (insn.op == Op::test_register) known.flags = tested;
    if (insn.op == Op::load && has_reg) known.loaded[reg] = read;
    if (insn.op == Op::add && has_reg) known.distance[reg] = offset;
}

// Without a size (0) only a target before the entry, which has wrapped round, is surely outside.
Result<InlinedBodies> bodies_of(const Instruction& branch, std::uint64_t at, std::uint64_t test,
                                std::uint64_t function_size) {
    const std::uint64_t next = at + branch.size;
    for (const std::uint64_t side : {branch.target, next})
        if (side >= (function_size ? function_size : UINT32_MAX))
            return fail(
                fmt::format("the branch on pg_vec at packet_sendmsg+{} leads to {:+}, outside of "
                            "the function",
                            at, static_cast<std::int64_t>(side)));
    if (branch.target == next)
        return fail(fmt::format("both sides of the branch on pg_vec at packet_sendmsg+{} are one", at));
    return branch.if_zero ? InlinedBodies{branch.target, next, test, at} : InlinedBodies{next, branch.target, test, at};
}

// While ftrace patches the five bytes at a function's entry the first is a breakpoint (text_poke_bp_batch in
// arch/x86/kernel/alternative.c). Stepping over is safe when the others are a nop's
// (arch/x86/include/asm/nops.h).
bool is_ftrace_patch(std::span<const std::byte> code, std::uint64_t at) {
    static constexpr std::array tail{std::byte{0x1f}, std::byte{0x44}, std::byte{0}, std::byte{0}};
    return at < entry_bytes && code.size() - at > tail.size() &&
           std::ranges::equal(code.subspan(at + 1, tail.size()), tail);
}

}  // namespace

Result<InlinedBodies> find_inlined_bodies(Machine machine, std::span<const std::byte> code, std::uint64_t function_size,
                                          std::uint64_t pg_vec_offset) {
    using Op = Instruction::Op;
    const bool x86 = machine == Machine::x86_64;
    Decoder decoder;
    if (Status opened = decoder.open(machine); !opened) return tl::unexpected(opened.error());
    if (function_size) code = code.first(std::min<std::uint64_t>(code.size(), function_size));

    Known known;
    Known::At kprobe;  // somebody else's
    const auto none = [&](const std::string& where) {
        std::string what = fmt::format("no branch on [reg+{:#x}] {} of packet_sendmsg", pg_vec_offset, where);
        if (known.read) what += fmt::format("; what is read at +{} is not branched on", *known.read);
        if (!kprobe) return fail(std::move(what));
        return fail(what + fmt::format("; another kprobe sits at +{}", *kprobe),
                    "/sys/kernel/debug/kprobes/list says which probes there are");
    };

    std::uint64_t at = 0;
    for (int count = 0; count < max_instructions; count++) {
        if (at >= code.size()) return none(fmt::format("in the first {} bytes", code.size()));
        const std::optional<Instruction> insn = decoder.decode(code, at);
        if (!insn) return none(fmt::format("before the undecodable bytes at +{}", at));
        std::uint64_t next = at + insn->size;
        switch (insn->op) {
            case Op::branch: {
                const auto reg = static_cast<std::size_t>(insn->reg);
                const Known::At test = insn->reg == no_register ? known.flags : known.loaded[reg];
                if (test) return bodies_of(*insn, at, *test, function_size);
                known.forget();
                break;
            }
            case Op::other_branch: known.forget(); break;
            case Op::jump:
                // An optimised kprobe is a jump out of the function (arch/x86/kernel/kprobes/opt.c).
                if (x86 && function_size && insn->target >= function_size) kprobe = at;
                if (insn->target <= at || insn->target >= code.size())
                    return none(
                        fmt::format("before the jump from +{} to {:+}", at, static_cast<std::int64_t>(insn->target)));
                next = insn->target;
                break;
            case Op::call:
                if (at >= entry_bytes) return none(fmt::format("before the call at +{}", at));
                known.forget();
                break;
            case Op::breakpoint:
                known.forget();
                if (x86 && is_ftrace_patch(code, at)) {
                    next = at + 5;
                    break;
                }
                // On x86 nobody can say where the hidden instruction ends.
                kprobe = kprobe.value_or(at);
                if (x86) return none(fmt::format("before +{}", at));
                break;
            case Op::end: return none(fmt::format("before the end of the straight line at +{}", at));
            default: apply(*insn, at, pg_vec_offset, known);
        }
        at = next;
    }
    return none(fmt::format("in the first {} instructions", max_instructions));
}

}  // namespace sockray
