#include "tests/bench/results.h"

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>

namespace sockray::bench {
namespace {

using Json = nlohmann::json;

Table& table_of(Results& results, const Json& line) {
    const std::string part = line.value("part", "");
    const std::string kernel = line.value("kernel", "");
    for (Table& table : results.tables)
        if (table.part == part && table.kernel == kernel) return table;
    return results.tables.emplace_back(Table{part, kernel, {}, {}});
}

void add_value(Results& results, const Json& line) {
    Table& table = table_of(results, line);
    const std::string name = line.value("row", "");
    const std::string metric = line.value("metric", "");
    auto row = std::ranges::find(table.rows, name, &Row::name);
    if (row == table.rows.end()) row = table.rows.insert(row, Row{name, {}});
    if (std::ranges::find(table.metrics, metric) == table.metrics.end()) table.metrics.push_back(metric);
    row->metrics[metric][line.value("round", 0)] = line["value"].get<double>();
}

std::optional<double> bound(const Json& line, const char* key) {
    const auto found = line.find(key);
    if (found == line.end() || !found->is_number()) return std::nullopt;
    return found->get<double>();
}

}  // namespace

Spread spread_of(std::vector<double> values) {
    std::ranges::sort(values);
    const auto at = [&](double share) {
        const double place = share * static_cast<double>(values.size() - 1);
        const auto below = static_cast<std::size_t>(place);
        const std::size_t above = std::min(below + 1, values.size() - 1);
        return values[below] + (values[above] - values[below]) * (place - static_cast<double>(below));
    };
    return {at(0.5), at(0.25), at(0.75)};
}

const Row* Table::find(const std::string& row) const {
    const auto found = std::ranges::find(rows, row, &Row::name);
    return found == rows.end() ? nullptr : &*found;
}

Results read_results(std::istream& lines, std::size_t& passed_over) {
    Results results;
    passed_over = 0;
    for (std::string text; std::getline(lines, text);) {
        const Json line = Json::parse(text, nullptr, false);
        try {
            if (line.is_object() && line.contains("value") && line["value"].is_number())
                add_value(results, line);
            else if (line.is_object() && line.contains("to"))
                results.comparisons.push_back({line.value("part", ""), line.value("metric", ""), line.value("row", ""),
                                               line.value("to", ""), bound(line, "at_most"), bound(line, "at_least")});
            else
                passed_over++;
        } catch (const Json::exception&) {  // a key of another type
            passed_over++;
        }
    }
    return results;
}

std::optional<Spread> compare(const Table& table, const Comparison& comparison) {
    const Row* row = table.find(comparison.row);
    const Row* to = table.find(comparison.to);
    if (!row || !row->metrics.contains(comparison.metric)) return std::nullopt;
    const Rounds& values = row->metrics.at(comparison.metric);
    std::vector<double> ratios;
    if (comparison.to.empty()) {
        for (const auto& [round, value] : values) ratios.push_back(value);
    } else if (to && to->metrics.contains(comparison.metric)) {
        const Rounds& others = to->metrics.at(comparison.metric);
        for (const auto& [round, value] : values)
            if (const auto other = others.find(round); other != others.end() && other->second > 0)
                ratios.push_back(value / other->second);
    }
    if (ratios.empty()) return std::nullopt;
    return spread_of(std::move(ratios));
}

bool is_kept(const Comparison& comparison, const Spread& ratio) {
    if (comparison.at_most && ratio.median > *comparison.at_most) return false;
    return !comparison.at_least || ratio.median >= *comparison.at_least;
}

}  // namespace sockray::bench
