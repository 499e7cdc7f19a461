// The kernel's symbol table: names to addresses and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/result.h"

namespace sockray {

// A snapshot of /proc/kallsyms. Addresses are all 0 for readers without CAP_SYSLOG (or with kernel.kptr_restrict=2):
// read() reports that as an error, because nothing can be done without them.
class Kallsyms {
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

    // One more symbol.
    void add(std::string_view name, std::uint64_t address);

    // The first symbol of exactly this name.
    std::optional<std::uint64_t> address(std::string_view name) const;

    // Names that gcc derived from a whole function's: NAME.isra.0, NAME.constprop.0 ... but not NAME.cold and
    // NAME.part.0, which not every call reaches. Exact matches are not among them.
    std::vector<std::string> derived_names(std::string_view name) const;

    // Bytes from the symbol at `address` to the next symbol; 0 where none follows.
    std::uint64_t size_at(std::uint64_t address) const;

    // "name" or "name+0x1f"; "0x..." where nothing stands below the address, "0" for 0.
    std::string describe(std::uint64_t address) const;

    // The symbol that holds `address`, without an offset; empty where there is none.
    std::string_view function_at(std::uint64_t address) const;

  private:
    void append(Symbol symbol, std::string_view name);
    const Symbol* below(std::uint64_t address) const;
    std::string_view name(const Symbol& symbol) const { return names_.c_str() + symbol.name; }

    std::vector<Symbol> by_address_;
    std::string names_;  // all names, each ended by NUL
};

}  // namespace sockray
