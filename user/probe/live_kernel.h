// The running kernel as the tracer sees it: symbols, types and memory, and the names that records need.
#pragma once

#include <memory>

#include "user/base/kernel_names.h"
#include "user/base/result.h"
#include "user/probe/btf.h"
#include "user/probe/environment.h"
#include "user/probe/kallsyms.h"
#include "user/probe/kernel_memory.h"

namespace sockray {

class LiveKernel : public KernelNames {
  public:
    // Reads all three. Errors: not_allowed, with the first thing that is missing for the purpose.
    static Result<std::unique_ptr<LiveKernel>> open(Purpose purpose = Purpose::tracing);

    std::string symbol(std::uint64_t address) const override { return symbols.describe(address); }
    std::string drop_reason(std::uint32_t number) const override;

    Kallsyms symbols;
    KernelTypes types;
    KernelMemory memory;

  private:
    LiveKernel(Kallsyms&& s, KernelTypes&& t, KernelMemory&& m)
        : symbols(std::move(s)), types(std::move(t)), memory(std::move(m)) {}
};

}  // namespace sockray
