// All of the kernel's symbols at once: for kernels that cannot be asked for one (user/probe/symbol_lookup.h).
#pragma once

#include "user/base/result.h"
#include "user/probe/symbols.h"

namespace sockray {

// A snapshot of /proc/kallsyms. Addresses are all 0 for readers without CAP_SYSLOG (or with kernel.kptr_restrict=2):
// read() reports that as an error, because nothing can be done without them.
class Kallsyms final : public KernelSymbols {
  public:
    struct Symbol {
        std::uint64_t address;
        std::uint32_t name;  // offset into the pool of names
        std::uint32_t hash;  // of the name (user/probe/name_hash.h)
    };

    // `path`: /proc/kallsyms, or a file of the same form. Errors: cannot be read, or holds no addresses (not_allowed).
    static Result<Kallsyms> read(const std::string& path = "/proc/kallsyms");

    // From text of the same form.
    static Result<Kallsyms> parse(std::string_view text);

    // From records: the address (8 bytes), the type (1), the name, ended by NUL.
    static Result<Kallsyms> of_records(std::string_view records);

    void add(std::string_view name, std::uint64_t address) override;
    std::optional<std::uint64_t> address(std::string_view name) const override;
    std::vector<std::string> derived_names(std::string_view name) const override;
    std::uint64_t size_at(std::uint64_t address) const override;
    std::string describe(std::uint64_t address) const override;
    std::string function_at(std::uint64_t address) const override;

  private:
    void append(std::uint64_t address, char type, std::string_view name);
    static Result<Kallsyms> in_order(Kallsyms&& symbols);
    const Symbol* below(std::uint64_t address) const;
    std::string_view name(const Symbol& symbol) const { return names_.c_str() + symbol.name; }

    std::vector<Symbol> by_address_;
    std::string names_;  // all names, each ended by NUL
};

}  // namespace sockray
