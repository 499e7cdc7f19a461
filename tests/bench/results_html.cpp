#include "tests/bench/results_html.h"

#include <algorithm>
#include <string_view>

#include "user/base/format.h"

namespace sockray::bench {
namespace {

constexpr std::string_view head =
    R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><title>sockray bench</title><style>
body{font:14px/1.4 system-ui,sans-serif;margin:2em;max-width:70em;color:#222;background:#fff}
table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{padding:.1em .6em;text-align:left;font-weight:normal}
td.n{text-align:right;font-variant-numeric:tabular-nums}h3{margin:1em 0 0;font-size:1em}
svg{display:block}rect{fill:#4878a8}line{stroke:#222;stroke-width:1.5}.no{color:#b00020;font-weight:bold}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}line{stroke:#ddd}.no{color:#ff6b6b}}
</style></head><body><h1>sockray bench</h1>
<p>Bars are medians, lines go from the first to the third quartile of the rounds.</p>
)";

constexpr double bar_width = 420;

// Names may come from a command line.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    return out;
}

Spread spread_of_rounds(const Rounds& rounds) {
    std::vector<double> values;
    for (const auto& [round, value] : rounds) values.push_back(value);
    return spread_of(std::move(values));
}

std::string bar(const Spread& spread, double most) {
    const auto x = [most](double value) { return most > 0 ? std::max(0.0, value) / most * bar_width : 0.0; };
    return fmt::format(
        R"(<svg width="{}" height="14"><rect x="0" y="2" width="{:.1f}" height="10"/><line x1="{:.1f}" x2="{:.1f}" y1="7" y2="7"/></svg>)",
        bar_width, x(spread.median), x(spread.low), x(spread.high));
}

void append_metric(std::string& page, const Table& table, const std::string& metric) {
    double most = 0;
    for (const Row& row : table.rows)
        if (row.metrics.contains(metric)) most = std::max(most, spread_of_rounds(row.metrics.at(metric)).high);
    page += fmt::format("<h3>{}</h3><table>", escaped(metric));
    for (const Row& row : table.rows) {
        if (!row.metrics.contains(metric)) continue;
        const Rounds& rounds = row.metrics.at(metric);
        const Spread spread = spread_of_rounds(rounds);
        page += fmt::format("<tr><td>{}</td><td class=\"n\">{:.6g}</td><td title=\"{} rounds\">{}</td></tr>\n",
                            escaped(row.name), spread.median, rounds.size(), bar(spread, most));
    }
    page += "</table>\n";
}

void append_comparisons(std::string& page, const Results& results, const Table& table) {
    page += "<table>";
    for (const Comparison& one : results.comparisons) {
        const auto ratio = one.part == table.part ? compare(table, one) : std::nullopt;
        if (!ratio) continue;
        const std::string bound = one.at_most    ? fmt::format("at most {:.3g}", *one.at_most)
                                  : one.at_least ? fmt::format("at least {:.3g}", *one.at_least)
                                                 : "";
        page += fmt::format(
            "<tr><td>{}{}</td><td>{}</td><td class=\"n\">{:.3g}</td><td>{:.3g}..{:.3g}</td><td{}>{}</td></tr>\n",
            escaped(one.row), one.to.empty() ? "" : " / " + escaped(one.to), escaped(one.metric), ratio->median,
            ratio->low, ratio->high, is_kept(one, *ratio) ? "" : " class=\"no\"", bound);
    }
    page += "</table>\n";
}

}  // namespace

std::string results_html(const Results& results) {
    std::string page(head);
    for (const Table& table : results.tables) {
        page += fmt::format("<h2>{}{}</h2>\n", escaped(table.part),
                            table.kernel.empty() ? "" : ", kernel " + escaped(table.kernel));
        append_comparisons(page, results, table);
        for (const std::string& metric : table.metrics) append_metric(page, table, metric);
    }
    return page + "</body></html>\n";
}

}  // namespace sockray::bench
