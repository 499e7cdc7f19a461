#include "user/report/findings_json.h"

#include "user/base/json.h"

namespace sockray {

void append_findings_json(fmt::memory_buffer& out, std::span<const Finding> findings) {
    for (const Finding& finding : findings) {
        {
            JsonObject object(out);
            object.text("type", "finding");
            object.text("rule", finding.rule);
            object.text("title", finding.title);
            object.real("cost", finding.cost);
            {
                JsonArray evidence = object.array("evidence");
                for (const std::string& line : finding.evidence) evidence.text(line);
            }
            {
                JsonArray sends = object.array("sends");
                for (const std::uint64_t id : finding.sends) sends.number(id);
            }
            object.text("cause", finding.cause);
            object.text("advice", finding.advice);
            object.text("kind", kind_name(finding.kind));
            object.number("more_sends", finding.more_sends);
        }
        out.push_back('\n');
    }
}

}  // namespace sockray
