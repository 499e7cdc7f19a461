// Reads kernel memory: code bytes and data tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "user/base/result.h"

struct peek_bpf;

namespace sockray {

// Loads one small BPF program that copies what it is asked for. Needs CAP_BPF and CAP_PERFMON, and a kernel that is not
// locked down. Not thread-safe.
class KernelMemory {
  public:
    // Errors: not_allowed, with what the kernel answered.
    static Result<KernelMemory> open();

    KernelMemory(KernelMemory&&) noexcept;
    KernelMemory& operator=(KernelMemory&&) noexcept;
    KernelMemory(const KernelMemory&) = delete;
    KernelMemory& operator=(const KernelMemory&) = delete;
    ~KernelMemory();

    // `length` bytes, at most 8192. An address that is not mapped is an error, never a fault.
    Result<std::vector<std::byte>> read(std::uint64_t address, std::size_t length);

    // This process as the kernel side sees it: its id in the initial pid namespace.
    Result<std::uint32_t> own_tgid();

    // The address of the calling thread's struct task_struct.
    Result<std::uint64_t> own_task();

    // A pointer or other 64-bit word.
    Result<std::uint64_t> read_word(std::uint64_t address);

  private:
    Status run();
    struct Destroy {
        void operator()(peek_bpf* program) const;
    };
    explicit KernelMemory(peek_bpf* program) : program_(program) {}
    std::unique_ptr<peek_bpf, Destroy> program_;
};

}  // namespace sockray
