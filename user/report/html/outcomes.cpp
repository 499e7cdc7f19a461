#include "user/report/html/outcomes.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "user/base/terminal.h"
#include "user/correlate/send.h"
#include "user/report/html/plot.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

struct Strip {
    Outcome outcome = Outcome::unknown;
    std::uint64_t sends = 0;
    std::uint64_t most = 0;  // in a column
};

std::vector<Strip> strips_of(const TimeGrid& outcomes) {
    std::vector<Strip> strips;
    for (int i = 0; i < outcome_count; i++) {
        Strip strip{static_cast<Outcome>(i)};
        for (std::size_t column = 0; column < outcomes.columns(); column++) {
            const std::uint64_t sends = outcomes.count(column, static_cast<std::size_t>(i));
            strip.sends += sends;
            strip.most = std::max(strip.most, sends);
        }
        if (strip.sends) strips.push_back(strip);
    }
    return strips;
}

void append_bars(fmt::memory_buffer& out, const TimeGrid& outcomes, const Strip& strip, std::uint64_t start_ns,
                 const Plot& plot) {
    const double width = static_cast<double>(plot_width) / static_cast<double>(outcomes.columns());
    const auto row = static_cast<std::size_t>(strip.outcome);
    const std::string_view name = outcome_name(strip.outcome);
    std::string tips;
    put(out, "<path class=\"fill-{}\" d=\"", name);
    for (std::size_t column = 0; column < outcomes.columns(); column++) {
        const std::uint64_t sends = outcomes.count(column, row);
        if (sends == 0) continue;
        const double x = static_cast<double>(column) * width;
        // One send is seen, however many others there are in another column.
        const double height = std::max(static_cast<double>(sends) / static_cast<double>(strip.most) * plot.height, 2.0);
        put(out, "M{:.2f} {:.1f}h{:.2f}v{:.1f}h-{:.2f}z", x, plot.height - height, width, height, width);
        tips += fmt::format(
            R"(<rect class="tip" x="{:.2f}" width="{:.2f}" height="{}"><title>from {}, {} long: {} {}</title></rect>)",
            x, width, plot.height,
            time_label(static_cast<std::int64_t>(outcomes.start() + column * outcomes.width() - start_ns),
                       outcomes.width(), std::max(magnitude(plot.from), magnitude(plot.to))),
            duration(outcomes.width()), number(sends), name);
    }
    put(out, "\"/>\n{}\n", tips);
}

}  // namespace

void append_outcomes(fmt::memory_buffer& out, const TimeGrid& outcomes, std::uint64_t start_ns) {
    const std::vector<Strip> strips = strips_of(outcomes);
    for (const Strip& strip : strips) {
        const std::string_view name = outcome_name(strip.outcome);
        const std::string label = fmt::format("sends that were {}, over time", name);
        Plot plot;
        plot.label = label;
        plot.height = strip.outcome == Outcome::delivered ? 80 : 44;
        plot.from = static_cast<std::int64_t>(outcomes.start() - start_ns);
        plot.to = static_cast<std::int64_t>(outcomes.start() + outcomes.columns() * outcomes.width() - start_ns);
        if (&strip == &strips.back()) plot.x = time_ticks(plot.from, plot.to);
        plot.y = {{0, "0"}, {1, number(strip.most)}};
        put(out, "<p class=\"strip\"><b class=\"{0}\">{0}</b> {1}, at most {2} in {3}</p>\n", name,
            counted(strip.sends, "send"), number(strip.most), duration(outcomes.width()));
        open_plot(out, plot);
        append_bars(out, outcomes, strip, start_ns, plot);
        close_plot(out, plot);
    }
}

}  // namespace sockray::html
