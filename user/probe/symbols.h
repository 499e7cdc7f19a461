// The kernel's symbols, by name and by address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sockray {

// Answered by the kernel, one by one (user/probe/symbol_lookup.h), or by a snapshot of all (user/probe/kallsyms.h).
class KernelSymbols {
  public:
    virtual ~KernelSymbols() = default;

    // The first symbol of exactly this name.
    virtual std::optional<std::uint64_t> address(std::string_view name) const = 0;

    // Names that gcc derived from a whole function's: NAME.isra.0, NAME.constprop.0 ... but not NAME.cold and
    // NAME.part.0, which not every call reaches. Exact matches are not among them.
    virtual std::vector<std::string> derived_names(std::string_view name) const = 0;

    // Bytes from the symbol at `address` to the next symbol; 0 where none follows.
    virtual std::uint64_t size_at(std::uint64_t address) const = 0;

    // "name" or "name+0x1f"; "0x..." where no symbol is known, "0" for 0.
    virtual std::string describe(std::uint64_t address) const = 0;

    // The symbol that holds `address`, without an offset; empty where there is none.
    virtual std::string function_at(std::uint64_t address) const = 0;

    // One more symbol, which the kernel does not name.
    virtual void add(std::string_view name, std::uint64_t address) = 0;
};

}  // namespace sockray
