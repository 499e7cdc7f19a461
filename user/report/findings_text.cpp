#include "user/report/findings_text.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sockray {
namespace {

constexpr int number_width = 3;
constexpr int label_width = 10;
constexpr int text_column = number_width + label_width;
constexpr double high_cost = 0.1;  // coloured as what costs most

std::string list(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
    return text;
}

// "label  text", the lines below the first at the same column.
void append_part(fmt::memory_buffer& out, const Style& style, std::string_view label, std::string_view text) {
    const std::string shown = printable(text, style.utf8);
    bool first = true;
    for (const std::string_view line : wrapped(shown, std::max(style.width - text_column, 24))) {
        fmt::format_to(std::back_inserter(out), "{:{}}", "", number_width);
        paint_cell(out, style, Tone::dim, first ? label : "", label_width);
        fmt::format_to(std::back_inserter(out), "{}\n", line);
        first = false;
    }
}

void append_finding(fmt::memory_buffer& out, const Style& style, std::size_t number, const Finding& finding) {
    const std::string title = printable(finding.title, style.utf8);
    bool first = true;
    for (const std::string_view line : wrapped(title, std::max(style.width - number_width, 24))) {
        paint_cell(out, style, Tone::dim, first ? fmt::format("{}", number) : "", number_width);
        paint(out, style, finding.cost >= high_cost ? Tone::bad : Tone::warning, line);
        out.push_back('\n');
        first = false;
    }
    std::string_view label = "measured";
    for (const std::string& line : finding.evidence) {
        append_part(out, style, label, line);
        label = "";
    }
    std::vector<std::string> ids;
    for (const std::uint64_t id : finding.sends) ids.push_back(std::to_string(id));
    if (!ids.empty())
        append_part(out, style, "sends",
                    list(ids) + (finding.more_sends ? fmt::format(" and {} more", finding.more_sends) : ""));
    append_part(out, style, "likely", finding.cause);
    append_part(out, style, "try", finding.advice);
    append_part(out, style, "rule", finding.rule);
}

void append_looked_at(fmt::memory_buffer& out, const Looked& looked, const Style& style) {
    for (const SubjectGroup& group : grouped(looked))
        paint_lines(out, style, Tone::plain, group.title + ": " + list(group.subjects), 2);
}

}  // namespace

void append_findings_text(fmt::memory_buffer& out, const Findings& findings, const Style& style) {
    paint(out, style, Tone::bold, "FINDINGS");
    const std::vector<Finding>& found = findings.result();
    const Looked looked = findings.looked();
    if (found.empty()) {
        fmt::format_to(std::back_inserter(out), "  nothing stands out in {}\n", looked_sends(looked));
    } else {
        fmt::format_to(std::back_inserter(out), "  {} in {}{}\n", found.size(), looked_sends(looked),
                       found.size() > 1 ? ": lost frames first, then time, then what is good to know" : "");
        for (std::size_t i = 0; i < found.size(); i++) {
            out.push_back('\n');
            append_finding(out, style, i + 1, found[i]);
        }
        out.push_back('\n');
    }
    append_looked_at(out, looked, style);
}

}  // namespace sockray
