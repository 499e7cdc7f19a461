// The symbol of an address that comes again and again: a kernel's names are asked for it once, not once a send.
#pragma once

#include <cstdint>
#include <string>

#include "user/base/kernel_names.h"

namespace sockray {

class RepeatedSymbol {
  public:
    // `names` must outlive it.
    explicit RepeatedSymbol(const KernelNames& names) : names_(names) {}

    // KernelNames::symbol(); until the next call.
    const std::string& of(std::uint64_t address) {
        if (address != address_ || symbol_.empty()) {
            address_ = address;
            symbol_ = names_.symbol(address);
        }
        return symbol_;
    }

  private:
    const KernelNames& names_;
    std::uint64_t address_ = 0;
    std::string symbol_;
};

}  // namespace sockray
