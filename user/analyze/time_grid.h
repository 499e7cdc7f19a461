// Counts over time in a bounded number of columns: where time runs beyond them, they become twice as wide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sockray {

class TimeGrid {
  public:
    static constexpr std::size_t most_columns = 160;
    static constexpr std::uint64_t least_width = 1000;  // ns

    // `rows`: what is counted in each column, apart from one another.
    explicit TimeGrid(std::size_t rows) : rows_(rows) {}

    // Times may come in any order. `row` < rows().
    void add(std::uint64_t ns, std::size_t row);

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return counts_.size() / rows_; }  // 0 when empty
    std::uint64_t width() const { return width_; }                  // of a column, ns
    // When column 0 begins, ns of the clock of add(): a multiple of the width. 0 when empty.
    std::uint64_t start() const { return first_ * width_; }
    std::uint64_t count(std::size_t column, std::size_t row) const { return counts_[column * rows_ + row]; }

    bool operator==(const TimeGrid&) const = default;

  private:
    void cover(std::uint64_t ns);
    void widen();

    std::size_t rows_;
    std::uint64_t width_ = least_width;
    std::uint64_t first_ = 0;  // of column 0: its start divided by the width
    std::vector<std::uint64_t> counts_;
};

}  // namespace sockray
