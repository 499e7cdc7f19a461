// The frame of a plot: axes, and between them a place to draw in.
//
// What is drawn is stretched to the width of the page, text is not: so it is legible at any width.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/format.h"

namespace sockray::html {

struct Tick {
    double at = 0;  // 0 to 1, along the axis
    std::string label;
};

// Between two times in ns from the start of tracing, at round numbers: "+1.25 s".
std::vector<Tick> time_ticks(std::int64_t from, std::int64_t to);
// One time, as precise as marks so many ns apart need it, in the unit that fits the `largest` beside it.
std::string time_label(std::int64_t ns, std::uint64_t step, std::uint64_t largest);
std::uint64_t magnitude(std::int64_t ns);
// Between two durations in ns, both above 0: powers of ten, and between them 2 and 5 where there is room.
std::vector<Tick> log_ticks(double from, double to);
// Where a duration lies on such an axis, held within 0 and 1.
double log_position(double ns, double from, double to);

inline constexpr int plot_width = 1000;  // of the place to draw in, whatever it is on the page

struct Plot {
    std::string_view label;         // what is seen here, for those who cannot see it
    int height = 240;               // pixels, and units to draw in
    std::string_view x_title = {};  // what an axis shows, where the text around the plot does not say it
    std::string_view y_title = {};
    std::vector<Tick> x = {};
    std::vector<Tick> y = {};  // 0 is at the bottom
    // Of a plot over time, ns from the start of tracing: the script zooms it. Both 0: another plot.
    std::int64_t from = 0;
    std::int64_t to = 0;
};

// Between the two, shapes in units of plot_width and height.
void open_plot(fmt::memory_buffer& out, const Plot& plot);
void close_plot(fmt::memory_buffer& out, const Plot& plot);

}  // namespace sockray::html
