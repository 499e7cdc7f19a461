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

void append_looked_at_json(fmt::memory_buffer& out, const Looked& looked) {
    {
        JsonObject object(out);
        object.text("type", "looked_at");
        object.number("sends", looked.sends);
        object.number("left_out", looked.left_out);
        JsonArray subjects = object.array("subjects");
        for (const Subject& subject : looked.subjects) {
            JsonObject one = subjects.object();
            one.text("subject", subject.text);
            one.text("seen", sight_name(subject.sight));
            if (subject.needs == Stage::none)
                one.null("stage");
            else
                one.text("stage", stage_name(subject.needs));
        }
    }
    out.push_back('\n');
}

}  // namespace sockray
