#include "user/analyze/held_cause.h"

#include <utility>

#include "user/base/format.h"

namespace sockray {

HeldCounter held(std::string_view counter, std::uint64_t counted, std::uint64_t expected, std::string_view what,
                 std::string more, std::string fewer) {
    HeldCounter result{counter, counted, expected, what, ""};
    if (counted > expected) result.cause = std::move(more);
    if (counted < expected) result.cause = std::move(fewer);
    return result;
}

std::string cause_of_more(std::uint64_t counted, std::uint64_t expected, const std::vector<Candidate>& candidates,
                          const std::string& others) {
    for (const Candidate& one : candidates)
        if (one.frames && counted == expected + one.frames)
            return fmt::format("as many as {}{}{}", one.as_many, one.sure ? "" : "; else ", one.sure ? "" : others);
    std::string all;
    for (const Candidate& one : candidates)
        if (one.frames && !one.may_be.empty()) all += one.may_be + ", or ";
    return all + others;
}

}  // namespace sockray
