// Any text as a symbol table: what it gives answers every question, and the answers agree with each other.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "user/probe/kallsyms.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void ask(const sockray::Kallsyms& symbols, std::uint64_t address) {
    require(!symbols.describe(address).empty());
    const std::string_view function = symbols.function_at(address);
    // Far behind the last symbol of a module an address is described by its number.
    const std::string text = symbols.describe(address);
    if (!function.empty()) require(text.starts_with(function) || text.starts_with("0x"));
    const std::uint64_t size = symbols.size_at(address);
    require(address + size >= address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto symbols = sockray::Kallsyms::parse(text);
    if (!symbols) {
        require(!symbols.error().what.empty());
        return 0;
    }
    for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63, ~std::uint64_t{0}})
        ask(*symbols, address);
    // Names that stand in the text, and what was made of them.
    const std::size_t blank = text.find(' ');
    if (blank == std::string_view::npos || text.size() < blank + 4) return 0;
    std::string_view name = text.substr(blank + 3);
    name = name.substr(0, name.find_first_of(" \t\n"));
    if (const auto address = symbols->address(name)) ask(*symbols, *address);
    for (const std::string& derived : symbols->derived_names(name.substr(0, name.find('.')))) {
        const auto address = symbols->address(derived);
        require(address.has_value());
        ask(*symbols, *address);
    }
    return 0;
}
