#include "user/live/top_stages.h"

#include <algorithm>

#include "user/live/sparkline.h"
#include "user/live/top_columns.h"

namespace sockray {
namespace {

constexpr int least_name = 12;
constexpr int most_name = 28;
constexpr int number = 8;  // columns of a rate or a time, with the blank before it
constexpr int least_picture = 4;
constexpr int most_picture = 60;

struct Widths {
    int name = 0;
    int picture = 0;  // 0: none
    bool rate = false;
};

// First the times, then the names as a whole, the rate, and the pictures.
Widths widths_of(int width) {
    Widths widths;
    const int times = 2 * number;
    widths.name = std::clamp(width - times, std::min(least_name, width), most_name);
    int room = width - widths.name - times;
    if (room >= number) {
        widths.rate = true;
        room -= number;
    }
    if (room >= 2 * (least_picture + 1)) widths.picture = std::min(room / 2 - 1, most_picture);
    return widths;
}

std::string line_of(const ActiveStage& stage, const Activity& activity, const Widths& widths, const Style& style) {
    fmt::memory_buffer out;
    const Tone tone = stage.latency.samples ? Tone::plain : Tone::dim;
    const auto time = [&](std::uint64_t ns, const std::deque<double>& history) {
        paint_cell(out, style, tone, stage.latency.samples ? duration(ns) : "-", number, Align::right);
        if (widths.picture == 0) return;
        out.push_back(' ');
        // Beside its number from the first interval on.
        const int shown = std::min(widths.picture, static_cast<int>(history.size()));
        paint_cell(out, style, Tone::dim, sparkline(history, shown, style.utf8), widths.picture);
    };
    paint_cell(out, style, tone, shortened(stage_name(stage.stage), widths.name), widths.name);
    if (widths.rate)
        paint_cell(out, style, tone, rate_text(activity.a_second(stage.latency.samples), number - 1), number,
                   Align::right);
    time(stage.latency.median, stage.medians);
    time(stage.latency.p99, stage.p99s);
    return fmt::to_string(out);
}

std::string title_of(const Activity& activity, const Widths& widths, const Style& style) {
    fmt::memory_buffer out;
    const std::string_view title = activity.filter.empty() ? "STAGES" : "STAGES of these senders";
    paint_cell(out, style, Tone::bold, shortened(title, widths.name), widths.name);
    if (widths.rate) paint_cell(out, style, Tone::dim, "a second", number, Align::right);
    paint_cell(out, style, Tone::dim, "median", number, Align::right);
    paint_cell(out, style, Tone::dim, "", widths.picture ? widths.picture + 1 : 0);
    paint_cell(out, style, Tone::dim, "p99", number, Align::right);
    return fmt::to_string(out);
}

}  // namespace

std::vector<std::string> top_stages(const Activity& activity, std::size_t lines, const Style& style) {
    if (activity.stages.empty() || lines < 2 || style.width < 2 * number + 4) return {};
    std::vector<const ActiveStage*> stages;
    for (const ActiveStage& stage : activity.stages) stages.push_back(&stage);
    while (stages.size() > lines - 1)
        stages.erase(std::min_element(stages.begin(), stages.end(), [](const ActiveStage* a, const ActiveStage* b) {
            return a->latency.median < b->latency.median;
        }));
    const Widths widths = widths_of(style.width);
    std::vector<std::string> text{title_of(activity, widths, style)};
    for (const ActiveStage* stage : stages) text.push_back(line_of(*stage, activity, widths, style));
    return text;
}

}  // namespace sockray
