#include "user/probe/kallsyms.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/probe/name_hash.h"

namespace sockray {
namespace {

// As much as a session's kernel has: 100,000 symbols and more.
constexpr std::size_t usual_size = std::size_t{8} << 20;

struct Text {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
};

// procfs hands out about a page a read, and does not know its size beforehand.
Result<Text> read_file(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(fmt::format("cannot read {}: {}", path, errno_text(errno)), "mount procfs on /proc");
    Text text;
    std::size_t room = usual_size;
    text.bytes = std::make_unique_for_overwrite<char[]>(room);
    for (;;) {
        if (text.size == room) {
            auto larger = std::make_unique_for_overwrite<char[]>(2 * room);
            std::memcpy(larger.get(), text.bytes.get(), room);
            text.bytes = std::move(larger);
            room *= 2;
        }
        const ssize_t got = ::read(fd.get(), text.bytes.get() + text.size, room - text.size);
        if (got < 0) return fail(fmt::format("cannot read {}: {}", path, errno_text(errno)));
        if (got == 0) return text;
        text.size += static_cast<std::size_t>(got);
    }
}

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

bool is_below(const Kallsyms::Symbol& a, const Kallsyms::Symbol& b) {
    return a.address < b.address;
}

}  // namespace

Result<Kallsyms> Kallsyms::read(const std::string& path) {
    return read_file(path).and_then([](const Text& text) { return parse({text.bytes.get(), text.size}); });
}

// A line: "ffffffff81c0a2f0 t packet_sendmsg", with "\t[module]" behind the names of modules' symbols.
Result<Kallsyms> Kallsyms::parse(std::string_view text) {
    Kallsyms symbols;
    symbols.names_.reserve(text.size() / 2);
    symbols.by_address_.reserve(text.size() / 40);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));

        std::uint64_t address = 0;
        const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
        const auto at = static_cast<std::size_t>(rest - line.data());
        if (error != std::errc{} || line.size() < at + 4 || line[at] != ' ' || line[at + 2] != ' ') continue;
        const std::string_view name_on = line.substr(at + 3);
        symbols.append(address, line[at + 1], {name_on.begin(), std::ranges::find_if(name_on, is_blank)});
    }
    return in_order(std::move(symbols));
}

Result<Kallsyms> Kallsyms::of_records(std::string_view records) {
    Kallsyms symbols;
    symbols.names_.reserve(records.size());
    symbols.by_address_.reserve(records.size() / 25);
    std::uint64_t address = 0;
    constexpr std::size_t before_name = sizeof address + 1;
    while (records.size() > before_name) {
        std::memcpy(&address, records.data(), sizeof address);
        const char type = records[sizeof address];
        records.remove_prefix(before_name);
        const std::string_view name = records.substr(0, records.find('\0'));
        records.remove_prefix(std::min(name.size() + 1, records.size()));
        symbols.append(address, type, name);
    }
    return in_order(std::move(symbols));
}

Result<Kallsyms> Kallsyms::in_order(Kallsyms&& symbols) {
    const auto begin = symbols.by_address_.begin();
    const auto end = symbols.by_address_.end();
    if (std::all_of(begin, end, [](const Symbol& symbol) { return symbol.address == 0; }))
        return not_allowed("/proc/kallsyms shows no addresses",
                           "run as root or with CAP_SYSLOG, and set kernel.kptr_restrict to 0 or 1");
    // The kernel's own come in order, before those of modules, which do not.
    const auto modules = std::is_sorted_until(begin, end, is_below);
    std::stable_sort(modules, end, is_below);
    std::inplace_merge(begin, modules, end, is_below);
    return std::move(symbols);
}

void Kallsyms::append(std::uint64_t address, char type, std::string_view name) {
    if (type == 'a' || type == 'A' || name.empty()) return;  // per-CPU offsets, not addresses
    by_address_.push_back({address, static_cast<std::uint32_t>(names_.size()), name_hash(name)});
    names_.append(name);
    names_.push_back('\0');
}

void Kallsyms::add(std::string_view added, std::uint64_t address) {
    append(address, 'D', added);
    const auto at = std::upper_bound(by_address_.begin(), by_address_.end() - 1, by_address_.back(), is_below);
    std::rotate(at, by_address_.end() - 1, by_address_.end());
}

std::optional<std::uint64_t> Kallsyms::address(std::string_view wanted) const {
    const std::uint32_t hash = name_hash(wanted);
    for (const Symbol& symbol : by_address_)
        if (symbol.hash == hash && name(symbol) == wanted) return symbol.address;
    return std::nullopt;
}

std::vector<std::string> Kallsyms::derived_names(std::string_view wanted) const {
    std::vector<std::string> found;
    const std::uint32_t hash = name_hash(wanted);
    for (const Symbol& symbol : by_address_) {
        if (symbol.hash != hash) continue;
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

std::string Kallsyms::function_at(std::uint64_t address) const {
    const Symbol* symbol = below(address);
    return symbol && symbol->address != 0 ? std::string(name(*symbol)) : "";
}

}  // namespace sockray
