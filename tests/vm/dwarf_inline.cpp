// dwarf_inline VMLINUX: where DWARF says that packet_snd and tpacket_snd begin inside packet_sendmsg.
// dwarf_inline VMLINUX FUNCTION OFFSET: does packet_sendmsg+OFFSET (bytes, decimal or 0x...) enter the
// inlined FUNCTION?
//
// It does when it stands in the basic block of DWARF's entry: whoever executes one executes the other. That
// is judged by the code: between the two there is no instruction that moves control, and no branch of
// packet_sendmsg leads there. Exit status: 0 it does, 1 it does not, 2 wrong usage or unreadable file.
//
// VMLINUX: a vmlinux with DWARF (tools/vm --dbg-vmlinux), x86_64 or arm64. Only the unit of
// net/packet/af_packet.c is walked: a fraction of a second.
#include <capstone/capstone.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/base/result.h"

namespace sockray {
namespace {

constexpr std::string_view unit_name = "net/packet/af_packet.c";
constexpr std::string_view caller = "packet_sendmsg";

struct Range {
    Dwarf_Addr begin;
    Dwarf_Addr end;
};

struct Inlined {
    std::string name;
    Dwarf_Addr entry;  // DW_AT_entry_pc, or else the lowest address
    std::vector<Range> ranges;
};

// packet_sendmsg and what is inlined into it, as addresses.
struct Function {
    Dwarf_Addr start;           // of the ELF symbol: kprobes count from here
    std::vector<Range> ranges;  // more than one where gcc split off a cold part
    std::vector<Inlined> inlined;
};

struct DwarfEnd {
    void operator()(Dwarf* dwarf) const { dwarf_end(dwarf); }
};
using DwarfHandle = std::unique_ptr<Dwarf, DwarfEnd>;

std::vector<Range> ranges_of(Dwarf_Die* die) {
    std::vector<Range> ranges;
    Dwarf_Addr base = 0;
    Range range{};
    for (std::ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &range.begin, &range.end)) > 0;)
        ranges.push_back(range);
    return ranges;
}

std::string_view name_of(Dwarf_Die* die) {
    const char* name = dwarf_diename(die);
    return name ? name : "";
}

// The DIE of the unit; its children are parsed only when asked for.
Result<Dwarf_Die> find_unit(Dwarf* dwarf) {
    Dwarf_CU* unit = nullptr;
    Dwarf_Die die{};
    while (dwarf_get_units(dwarf, unit, &unit, nullptr, nullptr, &die, nullptr) == 0)
        if (name_of(&die).ends_with(unit_name)) return die;
    return fail(fmt::format("no unit {} in the DWARF", unit_name));
}

void collect_inlined(Dwarf_Die* parent, std::vector<Inlined>& found) {
    Dwarf_Die die{};
    if (dwarf_child(parent, &die) != 0) return;
    do {
        const std::string_view name = name_of(&die);
        if (dwarf_tag(&die) == DW_TAG_inlined_subroutine && (name == "packet_snd" || name == "tpacket_snd")) {
            Inlined inlined{std::string(name), 0, ranges_of(&die)};
            if (dwarf_entrypc(&die, &inlined.entry) != 0 && !inlined.ranges.empty())
                inlined.entry = std::ranges::min(inlined.ranges, {}, &Range::begin).begin;
            if (!inlined.ranges.empty()) found.push_back(std::move(inlined));
        }
        collect_inlined(&die, found);
    } while (dwarf_siblingof(&die, &die) == 0);
}

Result<Dwarf_Addr> symbol_address(Elf* elf, std::string_view wanted) {
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header{};
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0) continue;
        Elf_Data* data = elf_getdata(section, nullptr);
        for (int i = 0; data && i < static_cast<int>(header.sh_size / header.sh_entsize); i++) {
            GElf_Sym symbol{};
            const char* name =
                gelf_getsym(data, i, &symbol) ? elf_strptr(elf, header.sh_link, symbol.st_name) : nullptr;
            if (name && wanted == name && GELF_ST_TYPE(symbol.st_info) == STT_FUNC) return symbol.st_value;
        }
    }
    return fail(fmt::format("no symbol {}", wanted));
}

Result<Function> find_function(Dwarf* dwarf) {
    Function function{};
    Result<Dwarf_Addr> start = symbol_address(dwarf_getelf(dwarf), caller);
    if (!start) return tl::unexpected(start.error());
    function.start = *start;
    Result<Dwarf_Die> unit = find_unit(dwarf);
    if (!unit) return tl::unexpected(unit.error());

    Dwarf_Die die{};
    for (int more = dwarf_child(&*unit, &die); more == 0; more = dwarf_siblingof(&die, &die)) {
        if (dwarf_tag(&die) != DW_TAG_subprogram || name_of(&die) != caller) continue;
        function.ranges = ranges_of(&die);
        if (function.ranges.empty()) continue;  // a declaration
        collect_inlined(&die, function.inlined);
        return function;
    }
    return fail(fmt::format("no function {} in the DWARF of {}", caller, unit_name));
}

// The file's bytes at the addresses of the range.
Result<std::vector<unsigned char>> code_of(Elf* elf, const Range& range) {
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section));) {
        GElf_Shdr header{};
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_PROGBITS || !(header.sh_flags & SHF_ALLOC))
            continue;
        if (range.begin < header.sh_addr || range.end > header.sh_addr + header.sh_size) continue;
        Elf_Data* data = elf_rawdata(section, nullptr);
        if (!data || !data->d_buf || data->d_size < header.sh_size) break;
        const auto* bytes = static_cast<const unsigned char*>(data->d_buf);
        return std::vector<unsigned char>(bytes + (range.begin - header.sh_addr), bytes + (range.end - header.sh_addr));
    }
    return fail(fmt::format("no code at {:#x} in the file", range.begin));
}

// The shape of packet_sendmsg's code, as addresses.
struct Flow {
    std::set<Dwarf_Addr> instructions;
    std::set<Dwarf_Addr> moves;    // calls, jumps, branches, returns
    std::set<Dwarf_Addr> targets;  // of direct jumps and branches
};

void note(csh engine, const cs_insn& insn, bool arm64, Flow& flow) {
    flow.instructions.insert(insn.address);
    const auto in = [&](unsigned group) { return cs_insn_group(engine, &insn, group); };
    if (!in(CS_GRP_JUMP) && !in(CS_GRP_CALL) && !in(CS_GRP_RET) && !in(CS_GRP_INT) && !in(CS_GRP_BRANCH_RELATIVE))
        return;
    flow.moves.insert(insn.address);
    if (arm64) {  // the target is the last operand: cbz x0, #target
        const cs_arm64& arm = insn.detail->arm64;
        if (arm.op_count && arm.operands[arm.op_count - 1].type == ARM64_OP_IMM)
            flow.targets.insert(static_cast<Dwarf_Addr>(arm.operands[arm.op_count - 1].imm));
    } else if (insn.detail->x86.op_count && insn.detail->x86.operands[0].type == X86_OP_IMM) {
        flow.targets.insert(static_cast<Dwarf_Addr>(insn.detail->x86.operands[0].imm));
    }
}

Result<Flow> flow_of(Elf* elf, const Function& function) {
    GElf_Ehdr header{};
    gelf_getehdr(elf, &header);
    const bool arm64 = header.e_machine == EM_AARCH64;
    csh engine = 0;
    if (cs_open(arm64 ? CS_ARCH_ARM64 : CS_ARCH_X86, arm64 ? CS_MODE_LITTLE_ENDIAN : CS_MODE_64, &engine) != CS_ERR_OK)
        return fail("cannot start Capstone");
    const auto close = [](csh* handle) { cs_close(handle); };
    const std::unique_ptr<csh, decltype(close)> engine_owner(&engine, close);
    cs_option(engine, CS_OPT_DETAIL, CS_OPT_ON);
    const std::unique_ptr<cs_insn, void (*)(cs_insn*)> insn(cs_malloc(engine), [](cs_insn* one) { cs_free(one, 1); });

    Flow flow;
    for (const Range& range : function.ranges) {
        const Result<std::vector<unsigned char>> code = code_of(elf, range);
        if (!code) return tl::unexpected(code.error());
        const std::uint8_t* bytes = code->data();
        std::size_t left = code->size();
        std::uint64_t address = range.begin;
        while (left > 0) {
            if (cs_disasm_iter(engine, &bytes, &left, &address, insn.get())) {
                note(engine, *insn, arm64, flow);
                continue;
            }
            // Not known to this Capstone. On x86 what follows is guesswork, so it counts as moving control.
            const std::size_t step = std::min<std::size_t>(left, arm64 ? 4 : 1);
            flow.moves.insert(address);
            bytes += step;
            left -= step;
            address += step;
        }
    }
    return flow;
}

// "+1547", or "-4" for the cold part before the function.
std::string offset(const Function& function, Dwarf_Addr address) {
    return fmt::format("{:+}", static_cast<std::int64_t>(address - function.start));
}

// Why the two addresses are not in one basic block, or nothing.
std::string difference(const Function& function, const Flow& flow, Dwarf_Addr located, Dwarf_Addr entry) {
    for (const Dwarf_Addr address : {located, entry})
        if (!flow.instructions.contains(address))
            return fmt::format("no instruction begins at {}", offset(function, address));
    const auto [low, high] = std::minmax(located, entry);
    if (const auto move = flow.moves.lower_bound(low); move != flow.moves.end() && *move < high)
        return fmt::format("control moves at {} between them", offset(function, *move));
    if (const auto target = flow.targets.upper_bound(low); target != flow.targets.end() && *target <= high)
        return fmt::format("a branch leads to {} between them", offset(function, *target));
    return {};
}

void print(const Function& function, std::string_view name, Dwarf_Addr entry, const std::vector<Range>& ranges) {
    fmt::print("{} {}  ranges", name, offset(function, entry));
    for (const Range& range : ranges) fmt::print(" {}..{}", offset(function, range.begin), offset(function, range.end));
    fmt::print("\n");
}

Result<bool> judge(Elf* elf, const Function& function, std::string_view name, std::uint64_t located) {
    const Result<Flow> flow = flow_of(elf, function);
    if (!flow) return tl::unexpected(flow.error());
    std::string reasons;
    for (const Inlined& inlined : function.inlined) {
        if (inlined.name != name) continue;
        const std::string why = difference(function, *flow, function.start + located, inlined.entry);
        if (why.empty()) {
            fmt::print("{}+{} is in the block of {}'s entry, {}\n", caller, located, name,
                       offset(function, inlined.entry));
            return true;
        }
        reasons += fmt::format("{}+{} is not in the block of {}'s entry, {}: {}\n", caller, located, name,
                               offset(function, inlined.entry), why);
    }
    if (reasons.empty()) reasons = fmt::format("{} is not inlined into {}\n", name, caller);
    fmt::print("{}", reasons);
    return false;
}

Result<bool> run(const char* path, std::string_view name, std::uint64_t located) {
    const Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(fmt::format("cannot read {}: {}", path, errno_text(errno)));
    const DwarfHandle dwarf(dwarf_begin(fd.get(), DWARF_C_READ));
    if (!dwarf) return fail(fmt::format("no DWARF in {}: {}", path, dwarf_errmsg(-1)));
    const Result<Function> function = find_function(dwarf.get());
    if (!function) return fail(fmt::format("{}: {}", path, function.error().what));
    if (!name.empty()) return judge(dwarf_getelf(dwarf.get()), *function, name, located);
    print(*function, caller, function->start, function->ranges);
    for (const Inlined& inlined : function->inlined) print(*function, inlined.name, inlined.entry, inlined.ranges);
    return true;
}

}  // namespace
}  // namespace sockray

int main(int argc, char** argv) {
    std::uint64_t located = 0;
    bool usable = argc == 2 || argc == 4;
    if (argc == 4) {
        const std::string_view text = argv[3];
        const bool hex = text.starts_with("0x");
        const auto [end, error] =
            std::from_chars(text.data() + (hex ? 2 : 0), text.data() + text.size(), located, hex ? 16 : 10);
        usable = error == std::errc{} && end == text.data() + text.size();
    }
    if (!usable) {
        fmt::print(stderr, "usage: dwarf_inline VMLINUX [FUNCTION OFFSET]\n");
        return 2;
    }
    const sockray::Result<bool> result = sockray::run(argv[1], argc == 4 ? argv[2] : "", located);
    if (!result) {
        fmt::print(stderr, "dwarf_inline: {}\n", result.error().what);
        return 2;
    }
    return *result ? 0 : 1;
}
