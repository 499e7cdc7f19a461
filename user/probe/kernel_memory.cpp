#include "user/probe/kernel_memory.h"

#include <bpf/bpf.h>
#include <peek.skel.h>

#include <cerrno>
#include <cstring>

#include "user/base/format.h"
#include "user/probe/load_error.h"

namespace sockray {

void KernelMemory::Destroy::operator()(peek_bpf* program) const {
    peek_bpf::destroy(program);
}
KernelMemory::KernelMemory(KernelMemory&&) noexcept = default;
KernelMemory& KernelMemory::operator=(KernelMemory&&) noexcept = default;
KernelMemory::~KernelMemory() = default;

Result<KernelMemory> KernelMemory::open() {
    const LibbpfLog log;
    peek_bpf* program = peek_bpf::open_and_load();
    if (!program) return tl::unexpected(load_error("load a program that reads kernel memory", errno, log));
    return KernelMemory(program);
}

Status KernelMemory::run() {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    if (const int error = bpf_prog_test_run_opts(bpf_program__fd(program_->progs.peek), &options))
        return fail(fmt::format("cannot run the program that reads kernel memory: {}", errno_text(-error)));
    return {};
}

Result<std::uint32_t> KernelMemory::own_tgid() {
    program_->bss->length = 0;
    return run().map([this] { return program_->bss->caller; });
}

Result<std::uint64_t> KernelMemory::own_task() {
    program_->bss->length = 0;
    return run().map([this] { return program_->bss->task; });
}

Result<std::vector<std::byte>> KernelMemory::read(std::uint64_t address, std::size_t length) {
    if (length > sizeof program_->bss->data)
        return fail(fmt::format("cannot read {} bytes of kernel memory in one go", length));
    program_->bss->address = address;
    program_->bss->length = static_cast<std::uint32_t>(length);
    if (const Status status = run(); !status) return tl::unexpected(status.error());
    if (program_->bss->result != 0)
        return fail(fmt::format("cannot read kernel memory at {:#x}: {}", address,
                                errno_text(static_cast<int>(-program_->bss->result))));
    std::vector<std::byte> bytes(length);
    std::memcpy(bytes.data(), program_->bss->data, length);
    return bytes;
}

Result<std::uint64_t> KernelMemory::read_word(std::uint64_t address) {
    return read(address, sizeof(std::uint64_t)).map([](const std::vector<std::byte>& bytes) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        return word;
    });
}

}  // namespace sockray
