#include "user/report/html/findings.h"

#include <string>
#include <string_view>

#include "user/report/html/text.h"

namespace sockray::html {

namespace {

// A send without a waterfall is plain text: what looks like a link is one.
void append_sends(fmt::memory_buffer& out, const Finding& finding, const std::set<std::uint64_t>& shown) {
    if (finding.sends.empty()) return;
    put(out, "<dt>sends</dt><dd>");
    std::string_view before;
    for (const std::uint64_t id : finding.sends) {
        if (shown.contains(id))
            put(out, "{0}<a href=\"#send-{1}\">#{1}</a>", before, id);
        else
            put(out, "{}#{}", before, id);
        before = ", ";
    }
    if (finding.more_sends) put(out, " and {} more", number(finding.more_sends));
    put(out, "</dd>\n");
}

std::string cost_text(const Finding& finding, const Looked& looked) {
    const char* whose = looked.left_out.value_or(0) ? ", of the sends recorded" : "";
    switch (finding.kind) {
        case FindingKind::loss: return escaped(percent(finding.cost)) + " of the frames";
        case FindingKind::time: return escaped(percent(finding.cost)) + " of the time in the kernel" + whose;
        case FindingKind::information: break;
    }
    return {};
}

void append_finding(fmt::memory_buffer& out, const Finding& finding, const Looked& looked,
                    const std::set<std::uint64_t>& shown) {
    put(out, "<li class=\"finding\"><h3>{}</h3>\n<dl>\n", escaped(finding.title));
    if (const std::string cost = cost_text(finding, looked); !cost.empty())
        put(out, "<dt>costs</dt><dd>{}</dd>\n", cost);
    if (!finding.evidence.empty()) put(out, "<dt>measured</dt>\n");
    for (const std::string& line : finding.evidence) put(out, "<dd>{}</dd>\n", escaped(line));
    append_sends(out, finding, shown);
    if (!finding.cause.empty()) put(out, "<dt>likely</dt><dd>{}</dd>\n", escaped(finding.cause));
    if (!finding.advice.empty()) put(out, "<dt>try</dt><dd>{}</dd>\n", escaped(finding.advice));
    put(out, "<dt>rule</dt><dd><code>{}</code></dd>\n</dl></li>\n", escaped(finding.rule));
}

void append_looked_at(fmt::memory_buffer& out, const Looked& looked) {
    for (const SubjectGroup& group : grouped(looked)) {
        put(out, "<p class=\"{}\">{}:", group.sight == Sight::whole ? "muted" : "warn", escaped(group.title));
        std::string_view before = " ";
        for (const std::string& subject : group.subjects) {
            put(out, "{}{}", before, escaped(subject));
            before = ", ";
        }
        put(out, ".</p>\n");
    }
}

}  // namespace

void append_findings(fmt::memory_buffer& out, std::span<const Finding> findings, const Looked& looked,
                     const std::set<std::uint64_t>& shown) {
    if (findings.empty()) {
        put(out, "<p>Nothing stands out in {}.</p>\n", escaped(looked_sends(looked)));
    } else {
        put(out, "<ol class=\"findings\">\n");
        for (const Finding& finding : findings) append_finding(out, finding, looked, shown);
        put(out, "</ol>\n");
        if (looked.left_out.value_or(0)) put(out, "<p class=\"warn\">In {}.</p>\n", escaped(looked_sends(looked)));
    }
    append_looked_at(out, looked);
}

}  // namespace sockray::html
