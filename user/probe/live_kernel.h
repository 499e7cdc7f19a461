// The running kernel as the tracer sees it: symbols, types and memory, and the names that records need.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "user/base/kernel_names.h"
#include "user/base/result.h"
#include "user/probe/btf.h"
#include "user/probe/environment.h"
#include "user/probe/kernel_memory.h"
#include "user/probe/symbols.h"

namespace sockray {

class LiveKernel : public KernelNames {
  public:
    // Reads all three; the types from `btf_file`, "" for the kernel's own. Errors: not_allowed, with the first thing
    // that is missing for the purpose; failed, where the file is no BTF of this kernel.
    static Result<std::unique_ptr<LiveKernel>> open(Purpose purpose = Purpose::tracing,
                                                    const std::string& btf_file = "");

    std::string symbol(std::uint64_t address) const override { return symbols->describe(address); }
    std::string drop_reason(std::uint32_t number) const override;

    std::unique_ptr<KernelSymbols> symbols;  // never null
    KernelTypes types;
    KernelMemory memory;
    bool has_own_types = false;  // the kernel has BTF of its own, whether it was read or not

  private:
    LiveKernel(std::unique_ptr<KernelSymbols> s, KernelTypes&& t, KernelMemory&& m);

    std::unordered_map<std::uint32_t, std::string> drop_reasons_;
};

}  // namespace sockray
