#include "user/probe/symbol_lookup.h"

#include <bpf/bpf.h>
#include <symbols.skel.h>

#include <array>
#include <charconv>
#include <cstring>

#include "user/base/format.h"
#include "user/probe/load_error.h"

namespace sockray {
namespace {

// "0x1c" at the start of `text`, which is shortened by it; 0 where there is none.
std::uint64_t take_number(std::string_view& text) {
    std::uint64_t number = 0;
    if (!text.starts_with("0x")) return 0;
    text.remove_prefix(2);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (error != std::errc{}) return 0;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool run(const bpf_program* program) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    return bpf_prog_test_run_opts(bpf_program__fd(program), &options) == 0;
}

}  // namespace

SymbolPlace parse_symbol_place(std::string_view text) {
    const std::size_t plus = text.find("+0x");
    if (text.starts_with("0x") || plus == std::string_view::npos) return {};
    SymbolPlace place{text.substr(0, plus)};
    text.remove_prefix(plus + 1);
    place.offset = take_number(text);
    if (text.starts_with('/')) {
        text.remove_prefix(1);
        place.size = take_number(text);
    }
    return place;
}

void SymbolLookup::Destroy::operator()(symbols_bpf* program) const {
    symbols_bpf::destroy(program);
}

SymbolLookup::~SymbolLookup() = default;

std::unique_ptr<SymbolLookup> SymbolLookup::open(const KernelTypes& types) {
    // kernel/kallsyms.c: what it is for came with names in order, in 6.2
    if (!types.function("kallsyms_on_each_match_symbol")) return nullptr;
    const LibbpfLog quiet;
    symbols_bpf* program = symbols_bpf::open_and_load();
    if (!program) return nullptr;
    std::unique_ptr<SymbolLookup> lookup(new SymbolLookup(program));
    if (!lookup->address("_stext").value_or(0)) return nullptr;
    return lookup;
}

std::optional<std::uint64_t> SymbolLookup::find(std::string_view name) const {
    auto& shared = *program_->bss;
    if (name.empty() || name.size() >= sizeof shared.name) return std::nullopt;
    std::memset(shared.name, 0, sizeof shared.name);
    std::memcpy(shared.name, name.data(), name.size());
    if (!run(program_->progs.find) || shared.result != 0) return std::nullopt;
    return shared.address;
}

std::string_view SymbolLookup::tell(std::uint64_t address) const {
    auto& shared = *program_->bss;
    shared.address = address;
    shared.text[0] = '\0';
    if (!run(program_->progs.tell)) return {};
    return {shared.text, ::strnlen(shared.text, sizeof shared.text)};
}

std::optional<std::uint64_t> SymbolLookup::address(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    if (const auto added = added_.find(std::string(name)); added != added_.end()) return added->second;
    return find(name);
}

std::vector<std::string> SymbolLookup::derived_names(std::string_view name) const {
    constexpr std::array kinds{"isra", "constprop"};
    constexpr int numbers = 4;
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    const auto look_for = [&](std::string derived) {
        if (find(derived)) found.push_back(std::move(derived));
    };
    for (const char* kind : kinds)
        for (int number = 0; number < numbers; number++) {
            const std::string once = fmt::format("{}.{}.{}", name, kind, number);
            look_for(once);
            for (const char* other : kinds)
                if (other != kind)
                    for (int second = 0; second < numbers; second++)
                        look_for(fmt::format("{}.{}.{}", once, other, second));
        }
    return found;
}

std::uint64_t SymbolLookup::size_at(std::uint64_t address) const {
    const std::lock_guard lock(mutex_);
    const SymbolPlace place = parse_symbol_place(tell(address));
    return place.size > place.offset ? place.size - place.offset : 0;
}

std::string SymbolLookup::describe(std::uint64_t address) const {
    if (address == 0) return "0";
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = described_.try_emplace(address);
    if (!is_new) return at->second;
    const SymbolPlace place = parse_symbol_place(tell(address));
    at->second = place.name.empty() ? fmt::format("{:#x}", address)
                 : place.offset     ? fmt::format("{}+{:#x}", place.name, place.offset)
                                    : std::string(place.name);
    return at->second;
}

std::string SymbolLookup::function_at(std::uint64_t address) const {
    const std::lock_guard lock(mutex_);
    return std::string(parse_symbol_place(tell(address)).name);
}

void SymbolLookup::add(std::string_view name, std::uint64_t address) {
    const std::lock_guard lock(mutex_);
    added_.emplace(name, address);
    described_.insert_or_assign(address, std::string(name));
}

}  // namespace sockray
