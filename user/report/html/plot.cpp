#include "user/report/html/plot.h"

#include <algorithm>
#include <cmath>

#include "user/base/terminal.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

constexpr int most_ticks = 5;
constexpr int x_axis_height = 24;
constexpr double most_ns = 1e19;  // that fits into 64 bits

// 1, 2 or 5 times a power of ten, so that at most `most_ticks` fit into `range`.
std::uint64_t round_step(std::uint64_t range) {
    for (std::uint64_t power = 1;; power *= 10)
        for (const std::uint64_t digit : {1U, 2U, 5U})
            if (range / (digit * power) <= most_ticks) return digit * power;
}

}  // namespace

std::uint64_t magnitude(std::int64_t ns) {
    const auto bits = static_cast<std::uint64_t>(ns);
    return ns < 0 ? 0 - bits : bits;
}

std::string time_label(std::int64_t ns, std::uint64_t step, std::uint64_t largest) {
    struct Unit {
        std::string_view name;
        std::uint64_t ns;
        int digits;
    };
    static constexpr Unit units[] = {{"s", 1'000'000'000, 9}, {"ms", 1'000'000, 6}, {"us", 1000, 3}, {"ns", 1, 0}};
    for (const Unit& unit : units) {
        if (std::max<std::uint64_t>(largest, 1) < unit.ns) continue;
        int decimals = unit.digits;
        for (std::uint64_t shown = 10; decimals > 0 && step % shown == 0; shown *= 10) decimals--;
        return fmt::format("{:+.{}f} {}", static_cast<double>(ns) / static_cast<double>(unit.ns), decimals, unit.name);
    }
    return "0";
}

std::vector<Tick> time_ticks(std::int64_t from, std::int64_t to) {
    std::vector<Tick> ticks;
    if (to <= from) return ticks;
    const std::uint64_t range = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
    const std::uint64_t step = round_step(range);
    const std::uint64_t largest = std::max(magnitude(from), magnitude(to));
    // To the first multiple of the step.
    const std::uint64_t rest = magnitude(from) % step;
    const std::uint64_t first = rest == 0 ? 0 : from < 0 ? rest : step - rest;
    for (std::uint64_t past = first; past <= range; past += step) {
        const auto at = static_cast<std::int64_t>(static_cast<std::uint64_t>(from) + past);
        ticks.push_back({static_cast<double>(past) / static_cast<double>(range), time_label(at, step, largest)});
        if (range - past < step) break;
    }
    return ticks;
}

double log_position(double ns, double from, double to) {
    if (ns <= from) return 0;
    return std::min(std::log(ns / from) / std::log(to / from), 1.0);
}

std::vector<Tick> log_ticks(double from, double to) {
    std::vector<Tick> ticks;
    const double decades = std::log10(to / from);
    for (double power = 1; power <= to; power *= 10)
        for (const int digit : {1, 2, 5}) {
            const double ns = power * digit;
            if (ns < from || ns > std::min(to, most_ns) || (digit > 1 && decades > 2)) continue;
            std::string label = duration(static_cast<std::uint64_t>(ns));
            // "10.0 us": a mark is a round number.
            if (const std::size_t dot = label.find('.'); dot != std::string::npos)
                label.erase(dot, label.find(' ') - dot);
            ticks.push_back({log_position(ns, from, to), label});
        }
    return ticks;
}

void open_plot(fmt::memory_buffer& out, const Plot& plot) {
    if (!plot.y_title.empty()) put(out, "<p class=\"title\">{}</p>\n", escaped(plot.y_title));
    put(out, R"(<svg class="plot" role="img" aria-label="{}" height="{}")", escaped(plot.label),
        plot.height + (plot.x.empty() ? 4 : x_axis_height));
    if (plot.from != plot.to) put(out, R"( data-from="{}" data-to="{}")", plot.from, plot.to);
    put(out, ">\n<g class=\"axis\">");
    for (const Tick& tick : plot.y) {
        const double y = (1 - tick.at) * plot.height;
        put(out, R"(<line x2="100%" y1="{0:.1f}" y2="{0:.1f}"/><text x="-8" y="{1:.1f}" text-anchor="end">{2}</text>)",
            y, y + 4, tick.label);
    }
    put(out,
        "</g>\n<svg width=\"100%\" height=\"{0}\"><svg class=\"zoom\" width=\"100%\" height=\"{0}\" viewBox=\"0 0 {1} "
        "{0}\" preserveAspectRatio=\"none\">\n",
        plot.height, plot_width);
}

void close_plot(fmt::memory_buffer& out, const Plot& plot) {
    put(out, "</svg></svg>\n");
    if (!plot.x.empty()) {
        put(out, "<g class=\"axis x\" data-y=\"{}\">", plot.height);
        for (const Tick& tick : plot.x)
            put(out,
                R"(<line x1="{0:.2f}%" x2="{0:.2f}%" y1="{1}" y2="{2}"/><text x="{0:.2f}%" y="{3}" text-anchor="{4}">{5}</text>)",
                tick.at * 100, plot.height, plot.height + 4, plot.height + 18,
                tick.at < 0.03  ? "start"
                : tick.at > 0.9 ? "end"
                                : "middle",
                tick.label);
        put(out, "</g>");
    }
    put(out, "</svg>\n");
    if (!plot.x_title.empty()) put(out, "<p class=\"title x\">{}</p>\n", escaped(plot.x_title));
}

}  // namespace sockray::html
