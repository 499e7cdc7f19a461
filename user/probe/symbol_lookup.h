// Symbols as the kernel itself looks them up: a start needs some thirty of its 200,000, and a record two or three.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "user/probe/btf.h"
#include "user/probe/symbols.h"

struct symbols_bpf;

namespace sockray {

// What "%pS" prints of an address (Documentation/core-api/printk-formats.rst): "packet_rcv+0x1c/0x3a0 [af_packet]".
struct SymbolPlace {
    std::string_view name;     // in the text; empty: no symbol is known
    std::uint64_t offset = 0;  // bytes from its start
    std::uint64_t size = 0;    // bytes, 0: not known
};
SymbolPlace parse_symbol_place(std::string_view text);

// What an address is called is remembered. All may be asked from several threads.
class SymbolLookup final : public KernelSymbols {
  public:
    // Null where the kernel has no such look-up, goes through all of its symbols for it (before 6.2), or shows us no
    // addresses: then Kallsyms is the way, or says why there is none.
    static std::unique_ptr<SymbolLookup> open(const KernelTypes& types);

    ~SymbolLookup() override;

    std::optional<std::uint64_t> address(std::string_view name) const override;
    // Of one or two derivations with the numbers 0 to 3: others are not looked for.
    std::vector<std::string> derived_names(std::string_view name) const override;
    std::uint64_t size_at(std::uint64_t address) const override;
    std::string describe(std::uint64_t address) const override;
    std::string function_at(std::uint64_t address) const override;
    void add(std::string_view name, std::uint64_t address) override;

  private:
    struct Destroy {
        void operator()(symbols_bpf* program) const;
    };
    explicit SymbolLookup(symbols_bpf* program) : program_(program) {}
    // With mutex_ held.
    std::optional<std::uint64_t> find(std::string_view name) const;
    std::string_view tell(std::uint64_t address) const;

    mutable std::mutex mutex_;
    std::unique_ptr<symbols_bpf, Destroy> program_;
    mutable std::unordered_map<std::uint64_t, std::string> described_;
    std::unordered_map<std::string, std::uint64_t> added_;
};

}  // namespace sockray
