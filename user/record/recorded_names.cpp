#include "user/record/recorded_names.h"

#include <utility>

#include "user/base/format.h"
#include "user/record/limits.h"

namespace sockray {

template <typename Number>
void RecordedNames::add(std::unordered_map<Number, std::string>& to, Number number, std::string& name) {
    const auto known = to.find(number);
    const std::size_t before = known == to.end() ? 0 : known->second.size();
    if (bytes_ - before + name.size() > limits::name_bytes || (known == to.end() && to.size() == limits::names)) {
        left_out_++;
        return;
    }
    bytes_ += name.size() - before;
    to.insert_or_assign(number, std::move(name));
}

void RecordedNames::add(SymbolEntry& entry) {
    add(symbols_, entry.address, entry.name);
}

void RecordedNames::add(DropReasonEntry& entry) {
    add(reasons_, entry.number, entry.name);
}

std::string RecordedNames::symbol(std::uint64_t address) const {
    if (!address) return "0";
    const auto found = symbols_.find(address);
    return found == symbols_.end() ? fmt::format("0x{:x}", address) : found->second;
}

std::string RecordedNames::drop_reason(std::uint32_t number) const {
    const auto found = reasons_.find(number);
    return found == reasons_.end() ? fmt::format("reason {}", number) : found->second;
}

}  // namespace sockray
