#include "tests/bench/results_text.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "user/base/format.h"

namespace sockray::bench {
namespace {

std::string number(double value) {
    if (std::abs(value) >= 1000 || value == std::floor(value)) return fmt::format("{:.0f}", value);
    return fmt::format("{:.{}f}", value, std::abs(value) >= 10 ? 1 : 2);
}

std::string cell(const Rounds& rounds) {
    std::vector<double> values;
    for (const auto& [round, value] : rounds) values.push_back(value);
    const Spread spread = spread_of(std::move(values));
    if (rounds.size() < 2 || number(spread.low) == number(spread.high)) return number(spread.median);
    return fmt::format("{} ({}..{})", number(spread.median), number(spread.low), number(spread.high));
}

void append_table(std::string& text, const Table& table) {
    std::vector<std::vector<std::string>> lines{{""}};
    for (const std::string& metric : table.metrics) lines.front().push_back(metric);
    for (const Row& row : table.rows) {
        lines.push_back({row.name});
        for (const std::string& metric : table.metrics)
            lines.back().push_back(row.metrics.contains(metric) ? cell(row.metrics.at(metric)) : "-");
    }
    std::vector<std::size_t> widths(lines.front().size());
    for (const auto& line : lines)
        for (std::size_t i = 0; i < line.size(); i++) widths[i] = std::max(widths[i], line[i].size());
    text += fmt::format("\n{}{}\n", table.part, table.kernel.empty() ? "" : ", kernel " + table.kernel);
    for (const auto& line : lines) {
        text += fmt::format("  {:<{}}", line.front(), widths.front());
        for (std::size_t i = 1; i < line.size(); i++) text += fmt::format("  {:>{}}", line[i], widths[i]);
        text += '\n';
    }
}

std::string words_of(const Comparison& comparison) {
    return comparison.to.empty() ? fmt::format("{}  {}", comparison.row, comparison.metric)
                                 : fmt::format("{} / {}  {}", comparison.row, comparison.to, comparison.metric);
}

std::string bound_of(const Comparison& comparison, const Spread& ratio) {
    const std::string bound = comparison.at_most    ? "at most " + number(*comparison.at_most)
                              : comparison.at_least ? "at least " + number(*comparison.at_least)
                                                    : "";
    return bound.empty() ? "" : fmt::format("must be {}: {}", bound, is_kept(comparison, ratio) ? "yes" : "NO");
}

void append_comparisons(std::string& text, const Results& results, const Table& table) {
    std::size_t width = 0;
    for (const Comparison& one : results.comparisons)
        if (one.part == table.part && compare(table, one)) width = std::max(width, words_of(one).size());
    for (const Comparison& one : results.comparisons) {
        if (one.part != table.part) continue;
        const auto ratio = compare(table, one);
        if (!ratio) continue;
        text += fmt::format("  {:<{}}  {:>6} ({}..{})  {}\n", words_of(one), width, number(ratio->median),
                            number(ratio->low), number(ratio->high), bound_of(one, *ratio));
    }
}

}  // namespace

std::string results_text(const Results& results) {
    std::string text;
    for (const Table& table : results.tables) {
        append_table(text, table);
        append_comparisons(text, results, table);
    }
    return text;
}

std::string results_json(const Results& results) {
    nlohmann::ordered_json all;
    for (const Table& table : results.tables) {
        nlohmann::ordered_json one{{"part", table.part}, {"kernel", table.kernel}};
        for (const Row& row : table.rows)
            for (const auto& [metric, rounds] : row.metrics) {
                std::vector<double> values;
                for (const auto& [round, value] : rounds) values.push_back(value);
                const Spread spread = spread_of(values);
                one["rows"][row.name][metric] = {
                    {"median", spread.median}, {"low", spread.low}, {"high", spread.high}, {"rounds", values}};
            }
        for (const Comparison& comparison : results.comparisons) {
            const auto ratio = comparison.part == table.part ? compare(table, comparison) : std::nullopt;
            if (!ratio) continue;
            nlohmann::ordered_json line{{"row", comparison.row},   {"to", comparison.to}, {"metric", comparison.metric},
                                        {"median", ratio->median}, {"low", ratio->low},   {"high", ratio->high}};
            if (comparison.at_most) line["at_most"] = *comparison.at_most;
            if (comparison.at_least) line["at_least"] = *comparison.at_least;
            line["kept"] = is_kept(comparison, *ratio);
            one["comparisons"].push_back(line);
        }
        all.push_back(std::move(one));
    }
    return all.dump(1) + '\n';
}

}  // namespace sockray::bench
