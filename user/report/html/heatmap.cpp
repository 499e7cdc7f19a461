#include "user/report/html/heatmap.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "user/base/terminal.h"
#include "user/report/html/plot.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

constexpr std::size_t shades = 6;
constexpr std::size_t least_rows = 14;  // three and a half powers of two

// The largest count of each shade; fewer shades where there are fewer counts. Equal steps of the logarithm.
std::vector<std::uint64_t> shade_limits(std::uint64_t most) {
    std::vector<std::uint64_t> limits;
    for (std::size_t i = 1; i <= shades; i++) {
        const double share = static_cast<double>(i) / shades;
        const auto limit = i == shades ? most : static_cast<std::uint64_t>(std::pow(static_cast<double>(most), share));
        if (limit && (limits.empty() || limit > limits.back())) limits.push_back(limit);
    }
    return limits;
}

struct Rows {
    std::size_t lowest;
    std::size_t behind;  // the highest
    double from() const { return static_cast<double>(latency_row_start(lowest)); }
    double to() const { return static_cast<double>(latency_row_start(behind)); }
    double y(std::size_t row, int height) const {
        return (1 - log_position(static_cast<double>(latency_row_start(row)), from(), to())) * height;
    }
};

Rows rows_of(const LatencyGrid& latency) {
    Rows rows{latency.lowest(), latency.highest() + 1};
    while (rows.behind - rows.lowest < least_rows) {
        if (rows.behind < latency_rows) rows.behind++;
        if (rows.lowest > 0) rows.lowest--;
    }
    return rows;
}

// All cells of one shade as one shape.
void append_cells(fmt::memory_buffer& out, const TimeGrid& grid, const Rows& rows,
                  const std::vector<std::uint64_t>& limits, std::size_t shade, int height) {
    const double width = static_cast<double>(plot_width) / static_cast<double>(grid.columns());
    const std::uint64_t above = shade ? limits[shade - 1] : 0;
    put(out, "<path class=\"heat{}\" d=\"", shade + shades - limits.size() + 1);
    for (std::size_t column = 0; column < grid.columns(); column++)
        for (std::size_t row = rows.lowest; row < rows.behind; row++) {
            const std::uint64_t sends = grid.count(column, row);
            if (sends <= above || sends > limits[shade]) continue;
            const double y = rows.y(row + 1, height);
            put(out, "M{:.2f} {:.1f}h{:.2f}v{:.1f}h-{:.2f}z", static_cast<double>(column) * width, y, width,
                rows.y(row, height) - y, width);
        }
    put(out, "\"/>\n");
}

// "4.10 us to 5.12 us": the row that holds the send of this rank.
std::string row_of_rank(const TimeGrid& grid, std::size_t column, std::uint64_t rank) {
    std::uint64_t below = 0;
    for (std::size_t row = 0; row < grid.rows(); row++) {
        below += grid.count(column, row);
        if (below >= rank)
            return fmt::format("{} to {}", duration(latency_row_start(row)), duration(latency_row_start(row + 1)));
    }
    return "unknown";
}

void append_tips(fmt::memory_buffer& out, const TimeGrid& grid, std::uint64_t start_ns, const Plot& plot) {
    const double width = static_cast<double>(plot_width) / static_cast<double>(grid.columns());
    for (std::size_t column = 0; column < grid.columns(); column++) {
        std::uint64_t sends = 0;
        for (std::size_t row = 0; row < grid.rows(); row++) sends += grid.count(column, row);
        if (sends == 0) continue;
        const auto at = static_cast<std::int64_t>(grid.start() + column * grid.width() - start_ns);
        put(out,
            R"(<rect class="tip" x="{:.2f}" width="{:.2f}" height="{}"><title>from {}, {} long: {}; median {}, 99th percentile {}</title></rect>)",
            static_cast<double>(column) * width, width, plot.height,
            time_label(at, grid.width(), std::max(magnitude(plot.from), magnitude(plot.to))), duration(grid.width()),
            counted(sends, "send"), row_of_rank(grid, column, (sends + 1) / 2),
            row_of_rank(grid, column, sends - sends / 100));
    }
    put(out, "\n");
}

void append_legend(fmt::memory_buffer& out, const TimeGrid& grid, const std::vector<std::uint64_t>& limits) {
    put(out, "<p class=\"legend\">sends in a cell:");
    for (std::size_t i = 0; i < limits.size(); i++) {
        const std::uint64_t least = i ? limits[i - 1] + 1 : 1;
        put(out,
            R"( <span class="nowrap"><svg class="swatch"><rect class="heat{}" width="100%" height="100%"/></svg> {}{}</span>)",
            i + shades - limits.size() + 1, number(least), least == limits[i] ? "" : "&#8211;" + number(limits[i]));
    }
    put(out, " <span class=\"nowrap\">a cell is {} wide</span></p>\n", duration(grid.width()));
}

}  // namespace

void append_heatmap(fmt::memory_buffer& out, const LatencyGrid& latency, std::uint64_t start_ns,
                    std::string_view label) {
    const TimeGrid& grid = latency.grid();
    if (grid.columns() == 0) return;
    std::uint64_t most = 0;
    for (std::size_t column = 0; column < grid.columns(); column++)
        for (std::size_t row = 0; row < grid.rows(); row++) most = std::max(most, grid.count(column, row));
    const std::vector<std::uint64_t> limits = shade_limits(most);
    const Rows rows = rows_of(latency);

    Plot plot;
    plot.label = label;
    plot.height = 260;
    plot.from = static_cast<std::int64_t>(grid.start() - start_ns);
    plot.to = static_cast<std::int64_t>(grid.start() + grid.columns() * grid.width() - start_ns);
    plot.x = time_ticks(plot.from, plot.to);
    plot.y = log_ticks(rows.from(), rows.to());
    open_plot(out, plot);
    for (std::size_t shade = 0; shade < limits.size(); shade++)
        append_cells(out, grid, rows, limits, shade, plot.height);
    append_tips(out, grid, start_ns, plot);
    close_plot(out, plot);
    append_legend(out, grid, limits);
}

}  // namespace sockray::html
