#include "user/report/findings_json.h"

#include <iterator>
#include <utility>

#include "user/live/json_lines.h"

namespace sockray {

void append_findings_json(fmt::memory_buffer& out, std::span<const Finding> findings) {
    auto to = std::back_inserter(out);
    for (const Finding& finding : findings) {
        fmt::format_to(to, R"({{"type":"finding","rule":)");
        append_json_string(out, finding.rule);
        fmt::format_to(to, R"(,"title":)");
        append_json_string(out, finding.title);
        fmt::format_to(to, R"(,"cost":{:.6f},"evidence":[)", finding.cost);
        const char* comma = "";
        for (const std::string& line : finding.evidence) {
            fmt::format_to(to, "{}", std::exchange(comma, ","));
            append_json_string(out, line);
        }
        fmt::format_to(to, R"(],"sends":[{}],"cause":)", fmt::join(finding.sends, ","));
        append_json_string(out, finding.cause);
        fmt::format_to(to, R"(,"advice":)");
        append_json_string(out, finding.advice);
        fmt::format_to(to, "}}\n");
    }
}

}  // namespace sockray
