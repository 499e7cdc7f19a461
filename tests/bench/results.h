// What a bench measured: one value a line, and what is to be held against what. Read from JSON Lines.
//
//   {"part":"tracing","kernel":"6.12","round":1,"row":"sockray:fentry:chain","metric":"added_ns","value":3100.5}
//   {"part":"tracing","metric":"added_ns","row":"sockray:fentry:chain","to":"floor:fentry:chain","at_most":1.7}
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sockray::bench {

struct Spread {
    double median = 0;
    double low = 0;   // first quartile
    double high = 0;  // third quartile
};

// Of at least one value.
Spread spread_of(std::vector<double> values);

using Rounds = std::map<int, double>;  // round -> value

struct Row {
    std::string name;
    std::map<std::string, Rounds> metrics;
};

// A part on a kernel; rows and metrics in the order in which they came.
struct Table {
    std::string part;
    std::string kernel;  // empty: this machine's own
    std::vector<std::string> metrics;
    std::vector<Row> rows;

    const Row* find(const std::string& row) const;
};

struct Comparison {
    std::string part;
    std::string metric;
    std::string row;
    std::string to;  // empty: the value itself, not a ratio
    std::optional<double> at_most;
    std::optional<double> at_least;
};

struct Results {
    std::vector<Table> tables;
    std::vector<Comparison> comparisons;
};

// Lines that are no JSON object of these two kinds are passed over, and counted.
Results read_results(std::istream& lines, std::size_t& passed_over);

// The ratio of each round that has both, as a spread; for a comparison to nothing the value's. None: not measured.
std::optional<Spread> compare(const Table& table, const Comparison& comparison);

// Whether it keeps its bound; a comparison without one always does.
bool is_kept(const Comparison& comparison, const Spread& ratio);

}  // namespace sockray::bench
