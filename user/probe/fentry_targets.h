// Which functions the programs for fentry and fexit are for, told to the kernel by their numbers in its types. libbpf
// would read all types of the kernel once more, and go through them for each name.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

struct bpf_program;

namespace sockray {

class FentryTargets {
  public:
    // Has libbpf leave the targets of programs in sections "fentry" and "fexit" to us: before an object with such ones
    // is opened. Those that are loaded without one of ours need one by bpf_program__set_attach_target().
    static void take_over();

    // `function`: its number among the kernel's own types.
    void set(const bpf_program* program, std::uint32_t function) { functions_[program] = function; }

    // While it lives, programs that this thread loads get their targets from `targets`.
    class Use {
      public:
        explicit Use(const FentryTargets& targets);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
    };

    // 0: none.
    std::uint32_t of(const bpf_program* program) const;

  private:
    std::unordered_map<const bpf_program*, std::uint32_t> functions_;
};

}  // namespace sockray
