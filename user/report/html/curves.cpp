#include "user/report/html/curves.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "user/base/terminal.h"
#include "user/report/html/plot.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

constexpr int points_a_nine = 16;
constexpr int most_nines = 5;  // up to 99.999 %

struct Curve {
    Stage stage = Stage::none;
    const Histogram* times = nullptr;
};

std::vector<Curve> curves_of(const Path& path) {
    std::vector<Curve> curves;
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++)
        if (!is_moment(slot) && path.times[slot].duration.count())
            curves.push_back({path.stages[slot], &path.times[slot].duration});
    return curves;
}

// As many nines as the sends allow: beyond, a percentile is the slowest send.
int nines_of(std::uint64_t sends) {
    int nines = 1;
    for (std::uint64_t enough = 100; nines < most_nines && sends >= enough; enough *= 10) nines++;
    return nines;
}

std::vector<Tick> percentile_ticks(int nines) {
    static const std::string labels[] = {"90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"};
    std::vector<Tick> ticks{{std::log10(2.0) / nines, "50 %"}};
    for (int i = 1; i <= nines; i++) ticks.push_back({static_cast<double>(i) / nines, labels[i - 1]});
    return ticks;
}

void append_table(fmt::memory_buffer& out, const std::vector<Curve>& curves) {
    put(out,
        "<div class=\"scroll\"><table class=\"keys\"><thead><tr><th>stage</th><th class=\"n\">least</th>"
        "<th class=\"n\">median</th><th class=\"n\">p90</th><th class=\"n\">p99</th><th class=\"n\">p99.9</th>"
        "<th class=\"n\">most</th></tr></thead><tbody>\n");
    for (std::size_t i = 0; i < curves.size(); i++) {
        const Histogram& times = *curves[i].times;
        put(out,
            R"(<tr data-curve="{0}"><th scope="row"><svg class="key" aria-hidden="true"><line class="curve c{0}" x2="100%" y1="6" y2="6"/></svg> <code>{1}</code></th>)",
            i, stage_name(curves[i].stage));
        for (const std::uint64_t ns : {times.min(), times.quantile(0.5), times.quantile(0.9), times.quantile(0.99),
                                       times.quantile(0.999), times.max()})
            put(out, "<td class=\"n\">{}</td>", duration(ns));
        put(out, "</tr>\n");
    }
    put(out, "</tbody></table></div>\n");
}

}  // namespace

void append_curves(fmt::memory_buffer& out, const Path& path) {
    const std::vector<Curve> curves = curves_of(path);
    if (curves.empty()) return;
    std::uint64_t least = UINT64_MAX;
    std::uint64_t most = 1;
    std::uint64_t sends = 0;
    for (const Curve& curve : curves) {
        least = std::min(least, curve.times->min());
        most = std::max(most, curve.times->max());
        sends = std::max(sends, curve.times->count());
    }
    const double from = std::max(static_cast<double>(least) * 0.8, 1.0);
    const double to = std::max(static_cast<double>(most) * 1.1, from * 10);
    const int nines = nines_of(sends);

    Plot plot;
    plot.label = "time in each stage by percentile";
    plot.x_title = "percentile: share of the sends that took no longer";
    plot.y_title = "time in the stage";
    plot.x = percentile_ticks(nines);
    plot.y = log_ticks(from, to);
    put(out,
        "<h4>Percentiles of each stage</h4>\n<p class=\"muted\">How long a stage took in that share of the sends or "
        "less: a curve that bends up at the right has a slow tail. Measured from entry to return; both axes are "
        "logarithmic.</p>\n");
    open_plot(out, plot);
    for (std::size_t i = 0; i < curves.size(); i++) {
        put(out, "<polyline class=\"curve c{0}\" data-curve=\"{0}\" points=\"", i);
        for (int point = 0; point <= nines * points_a_nine; point++) {
            const double q = 1 - std::pow(10.0, -static_cast<double>(point) / points_a_nine);
            const auto ns = static_cast<double>(curves[i].times->quantile(q));
            put(out, "{}{:.1f},{:.1f}", point ? " " : "",
                static_cast<double>(point) * plot_width / (nines * points_a_nine),
                (1 - log_position(ns, from, to)) * plot.height);
        }
        put(out, "\"><title>{}</title></polyline>\n", stage_name(curves[i].stage));
    }
    close_plot(out, plot);
    append_table(out, curves);
}

}  // namespace sockray::html
