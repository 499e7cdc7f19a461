#include "user/correlate/outcome_set.h"

#include <string>

#include "user/base/format.h"

namespace sockray {
namespace {

OutcomeSet named(std::string_view name) {
    for (int i = 0; i < outcome_count; i++)
        if (const auto outcome = static_cast<Outcome>(i); outcome_name(outcome) == name) return outcome_bit(outcome);
    return 0;
}

std::string all_names() {
    std::string names;
    for (int i = 0; i < outcome_count; i++)
        names += fmt::format("{}{}", i ? ", " : "", outcome_name(static_cast<Outcome>(i)));
    return names;
}

}  // namespace

Result<OutcomeSet> parse_outcomes(std::string_view text) {
    OutcomeSet set = 0;
    for (std::string_view rest = text;;) {
        const std::size_t comma = rest.find(',');
        const std::string_view name = rest.substr(0, comma);
        const OutcomeSet found = named(name);
        if (!found) return usage(fmt::format("'{}' is no outcome; there are {}", name, all_names()));
        set |= found;
        if (comma == std::string_view::npos) return set;
        rest.remove_prefix(comma + 1);
    }
}

}  // namespace sockray
