#include "user/probe/kallsyms.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "user/base/fd.h"
#include "user/base/format.h"

namespace sockray {
namespace {

Result<std::string> read_file(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(fmt::format("cannot read {}: {}", path, errno_text(errno)), "mount procfs on /proc");
    // procfs hands out about a page a read, and does not know its size beforehand.
    std::string text(std::size_t{8} << 20, '\0');
    for (std::size_t used = 0;;) {
        if (used == text.size()) text.resize(2 * used);
        const ssize_t got = ::read(fd.get(), text.data() + used, text.size() - used);
        if (got < 0) return fail(fmt::format("cannot read {}: {}", path, errno_text(errno)));
        used += static_cast<std::size_t>(got);
        if (got > 0) continue;
        text.resize(used);
        return text;
    }
}

}  // namespace

Result<Kallsyms> Kallsyms::read(const std::string& path) {
    return read_file(path).and_then([](const std::string& text) { return parse(text); });
}

// A line: "ffffffff81c0a2f0 t packet_sendmsg", with "\t[module]" behind the names of modules' symbols.
Result<Kallsyms> Kallsyms::parse(std::string_view text) {
    Kallsyms symbols;
    symbols.names_.reserve(text.size() / 2);
    symbols.by_address_.reserve(text.size() / 40);
    bool any_address = false;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));

        Symbol symbol{};
        const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), symbol.address, 16);
        const auto at = static_cast<std::size_t>(rest - line.data());
        if (error != std::errc{} || line.size() < at + 4 || line[at] != ' ' || line[at + 2] != ' ') continue;
        symbol.type = line[at + 1];
        if (symbol.type == 'a' || symbol.type == 'A') continue;  // per-CPU offsets, not addresses
        std::string_view name = line.substr(at + 3);
        name = name.substr(0, name.find_first_of(" \t"));
        if (name.empty()) continue;
        any_address = any_address || symbol.address != 0;
        symbol.name = static_cast<std::uint32_t>(symbols.names_.size());
        symbols.names_.append(name);
        symbols.names_.push_back('\0');
        symbols.by_address_.push_back(symbol);
    }
    if (!any_address)
        return not_allowed("/proc/kallsyms shows no addresses",
                           "run as root or with CAP_SYSLOG, and set kernel.kptr_restrict to 0 or 1");
    std::stable_sort(symbols.by_address_.begin(), symbols.by_address_.end(),
                     [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
    return symbols;
}

void Kallsyms::add(std::string_view added, std::uint64_t address) {
    const Symbol symbol{address, static_cast<std::uint32_t>(names_.size()), 'd'};
    names_.append(added);
    names_.push_back('\0');
    const auto at = std::upper_bound(by_address_.begin(), by_address_.end(), address,
                                     [](std::uint64_t value, const Symbol& other) { return value < other.address; });
    by_address_.insert(at, symbol);
}

std::optional<std::uint64_t> Kallsyms::address(std::string_view wanted) const {
    for (const Symbol& symbol : by_address_)
        if (name(symbol) == wanted) return symbol.address;
    return std::nullopt;
}

std::vector<std::string> Kallsyms::derived_names(std::string_view wanted) const {
    std::vector<std::string> found;
    for (const Symbol& symbol : by_address_) {
        const std::string_view candidate = name(symbol);
        if (candidate.size() > wanted.size() + 1 && candidate.starts_with(wanted) && candidate[wanted.size()] == '.' &&
            !candidate.ends_with(".cold") && candidate.find(".part.") == std::string_view::npos)
            found.emplace_back(candidate);
    }
    return found;
}

const Kallsyms::Symbol* Kallsyms::below(std::uint64_t address) const {
    const auto above =
        std::upper_bound(by_address_.begin(), by_address_.end(), address,
                         [](std::uint64_t value, const Symbol& symbol) { return value < symbol.address; });
    if (above == by_address_.begin()) return nullptr;
    // Of several names for one address the first stands for all.
    const auto last = std::prev(above);
    return &*std::lower_bound(by_address_.begin(), last, last->address,
                              [](const Symbol& symbol, std::uint64_t value) { return symbol.address < value; });
}

std::uint64_t Kallsyms::size_at(std::uint64_t address) const {
    const auto next =
        std::upper_bound(by_address_.begin(), by_address_.end(), address,
                         [](std::uint64_t value, const Symbol& symbol) { return value < symbol.address; });
    return next == by_address_.end() ? 0 : next->address - address;
}

std::string Kallsyms::describe(std::uint64_t address) const {
    if (address == 0) return "0";
    const Symbol* symbol = below(address);
    if (!symbol || symbol->address == 0) return fmt::format("{:#x}", address);
    const std::uint64_t offset = address - symbol->address;
    // No function or table is as large: it lies behind the last symbol of a module, or in one that came later.
    constexpr std::uint64_t too_far = 1U << 20;
    if (offset >= too_far) return fmt::format("{:#x}", address);
    return offset ? fmt::format("{}+{:#x}", name(*symbol), offset) : std::string(name(*symbol));
}

std::string_view Kallsyms::function_at(std::uint64_t address) const {
    const Symbol* symbol = below(address);
    return symbol && symbol->address != 0 ? name(*symbol) : std::string_view{};
}

}  // namespace sockray
