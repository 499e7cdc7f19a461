#include "user/probe/ksym_iterator.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "user/base/fd.h"
#include "user/probe/load_error.h"

namespace sockray {
namespace {

constexpr bpf_insn move(std::uint8_t to, std::uint8_t from) {
    return {BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0};
}
constexpr bpf_insn set(std::uint8_t to, std::int32_t value) {
    return {BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value};
}
constexpr bpf_insn add(std::uint8_t to, std::int32_t value) {
    return {BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value};
}
constexpr bpf_insn load(std::uint8_t size, std::uint8_t to, std::uint8_t from, std::uint64_t at) {
    return {static_cast<std::uint8_t>(BPF_LDX | BPF_MEM | size), to, from, static_cast<std::int16_t>(at), 0};
}
constexpr bpf_insn store(std::uint8_t size, std::int16_t at, std::uint8_t from) {
    return {static_cast<std::uint8_t>(BPF_STX | BPF_MEM | size), BPF_REG_10, from, at, 0};
}
constexpr bpf_insn call(std::int32_t helper) {
    return {BPF_JMP | BPF_CALL, 0, 0, 0, helper};
}
// Over the next `skipped` instructions, where the register compares so with 0.
constexpr bpf_insn skip_if(std::uint8_t comparison, std::uint8_t reg, std::int16_t skipped) {
    return {static_cast<std::uint8_t>(BPF_JMP | comparison | BPF_K), reg, 0, skipped, 0};
}

// Runs once a symbol. In instructions, for libbpf would read all types of the kernel once more to load it.
auto program(std::uint64_t address_at, std::uint64_t type_at, std::uint64_t name_at) {
    constexpr std::int16_t record = -496;  // on the stack: u64 address, char type, name
    constexpr std::int16_t type = record + 8;
    constexpr std::int16_t name = type + 1;
    return std::array{
        load(BPF_DW, BPF_REG_6, BPF_REG_1, 8),  // bpf_iter__ksym.ksym; none at the end
        load(BPF_DW, BPF_REG_7, BPF_REG_1, 0),  // .meta
        load(BPF_DW, BPF_REG_7, BPF_REG_7, 0),  // bpf_iter_meta.seq
        skip_if(BPF_JEQ, BPF_REG_6, 17),
        load(BPF_DW, BPF_REG_1, BPF_REG_6, address_at),
        store(BPF_DW, record, BPF_REG_1),
        load(BPF_B, BPF_REG_1, BPF_REG_6, type_at),
        store(BPF_B, type, BPF_REG_1),
        move(BPF_REG_1, BPF_REG_10),
        add(BPF_REG_1, name),
        set(BPF_REG_2, -name),
        move(BPF_REG_3, BPF_REG_6),
        add(BPF_REG_3, static_cast<std::int32_t>(name_at)),
        call(BPF_FUNC_probe_read_kernel_str),
        skip_if(BPF_JSLE, BPF_REG_0, 6),
        move(BPF_REG_3, BPF_REG_0),
        add(BPF_REG_3, name - record),
        move(BPF_REG_2, BPF_REG_10),
        add(BPF_REG_2, record),
        move(BPF_REG_1, BPF_REG_7),
        call(BPF_FUNC_seq_write),
        set(BPF_REG_0, 0),
        bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    };
}

}  // namespace

std::string iterate_ksyms(const KernelTypes& types) {
    const LibbpfLog quiet;
    const auto iterator = types.function("bpf_iter_ksym");
    const auto address_at = types.offset("kallsym_iter", {"value"});
    const auto type_at = types.offset("kallsym_iter", {"type"});
    const auto name_at = types.offset("kallsym_iter", {"name"});
    if (!iterator || !address_at || !type_at || !name_at) return "";
    const auto code = program(*address_at, *type_at, *name_at);
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.expected_attach_type = BPF_TRACE_ITER;
    options.attach_btf_id = *iterator;
    const Fd loaded(bpf_prog_load(BPF_PROG_TYPE_TRACING, "sockray_ksyms", "GPL", code.data(), code.size(), &options));
    const Fd link(loaded ? bpf_link_create(loaded.get(), 0, BPF_TRACE_ITER, nullptr) : -1);
    const Fd records(link ? bpf_iter_create(link.get()) : -1);
    if (!records) return "";
    constexpr std::size_t piece = 32768;  // the most that the kernel gives at once (kernel/bpf/bpf_iter.c)
    constexpr std::size_t usual = std::size_t{8} << 20;
    std::string all;
    all.reserve(usual);
    for (;;) {
        const std::size_t before = all.size();
        all.resize(before + piece);
        const ssize_t got = ::read(records.get(), all.data() + before, piece);
        if (got < 0) return "";
        all.resize(before + static_cast<std::size_t>(got));
        if (got == 0) return all;
    }
}

}  // namespace sockray
