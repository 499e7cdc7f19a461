// A page of report --html as its tests look at it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/report_sessions.h"
#include "user/report/html/page.h"

namespace sockray::pages {

// Of a session of so many sends, of all outcomes; `findings`: makes those that stand in it.
template <typename Findings>
std::string page_of(std::uint64_t sends, Findings findings, Ending* ending = nullptr, const Looked& looked = {}) {
    fmt::memory_buffer out;
    HtmlPage page(out);
    page.set_findings(std::move(findings), [&looked] { return looked; });
    made::MixedSession session(sends);
    session.tell(page);
    if (ending) *ending = session.ending();
    return fmt::to_string(out);
}

inline bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

inline std::size_t occurrences(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) count++;
    return count;
}

}  // namespace sockray::pages
