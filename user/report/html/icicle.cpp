#include "user/report/html/icicle.h"

#include <algorithm>
#include <optional>
#include <string>

#include "user/base/terminal.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

constexpr int row_height = 26;
constexpr double least_width = 0.002;   // so that the shortest stage is seen
constexpr double fits_anywhere = 0.75;  // widths that hold a name and its time: at any width of the page
constexpr double fits_wide = 0.3;       // on a wide page

struct Box {
    double start = 0;  // of the median send, 0 to 1
    double end = 0;
    bool timed = false;  // else it has the extent of what stands in it
};

// By medians of offset and duration, held within the box around it: medians of different stages need not nest.
std::vector<std::optional<Box>> boxes_of(const Path& path, const std::vector<ChainRow>& rows) {
    const auto whole = static_cast<double>(path.times[path.root].duration.quantile(0.5));
    std::vector<std::optional<Box>> boxes(rows.size());
    for (std::size_t i = 0; i < rows.size(); i++) {
        const ChainRow& row = rows[i];
        const StageTimes& times = path.times[row.slot];
        if (!row.passed || is_moment(row.slot) || !times.duration.count() || !times.offset.count()) continue;
        const double start = static_cast<double>(times.offset.quantile(0.5)) / whole;
        if (start >= 1) continue;
        Box box{start, start + static_cast<double>(times.duration.quantile(0.5)) / whole, true};
        Box around{0, 1};
        int depth = row.depth;
        for (std::size_t outer = i; outer-- > 0;) {
            if (!rows[outer].passed || rows[outer].depth >= depth) continue;
            depth = rows[outer].depth;
            if (!boxes[outer]) continue;
            around = *boxes[outer];
            break;
        }
        box.start = std::clamp(box.start, around.start, std::max(around.start, around.end - least_width));
        box.end = std::clamp(box.end, box.start + least_width, std::max(around.end, box.start + least_width));
        boxes[i] = box;
    }
    for (std::size_t i = rows.size(); i-- > 0;) {
        if (!rows[i].passed || boxes[i] || is_moment(rows[i].slot) || path.times[rows[i].slot].hits) continue;
        for (std::size_t inner = i + 1; inner < rows.size() && rows[inner].depth > rows[i].depth; inner++) {
            if (!boxes[inner]) continue;
            if (!boxes[i]) boxes[i] = Box{boxes[inner]->start, boxes[inner]->end};
            boxes[i]->start = std::min(boxes[i]->start, boxes[inner]->start);
            boxes[i]->end = std::max(boxes[i]->end, boxes[inner]->end);
        }
    }
    return boxes;
}

}  // namespace

void append_icicle(fmt::memory_buffer& out, const Path& path, const std::vector<ChainRow>& rows, const Plan& plan) {
    const std::uint64_t whole = path.times[path.root].duration.quantile(0.5);
    if (whole == 0) return;
    const auto boxes = boxes_of(path, rows);
    int levels = 0;
    for (std::size_t i = 0; i < rows.size(); i++)
        if (boxes[i]) levels = std::max(levels, rows[i].depth + 1);
    put(out,
        "<svg class=\"icicle\" role=\"img\" aria-label=\"the stages of the median send, each inside the one that "
        "calls it\" height=\"{}\"><svg class=\"zoom\" width=\"100%\">\n",
        levels * row_height);
    for (std::size_t i = 0; i < rows.size(); i++) {
        if (!boxes[i]) continue;
        const Box& box = *boxes[i];
        const ChainRow& row = rows[i];
        const bool hit = path.times[row.slot].hits > 0;
        const std::string evidence = escaped(evidence_text(row.stage, hit, plan));
        const std::string_view kind = std::string_view(evidence).substr(0, evidence.find(' '));
        const std::uint64_t median = path.times[row.slot].duration.quantile(0.5);
        const std::string time =
            box.timed
                ? fmt::format("{}, {}", duration(median),
                              column_percent(std::min(static_cast<double>(median) / static_cast<double>(whole), 1.0)))
                : "time unknown";
        put(out,
            R"(<svg class="box" x="{:.3f}%" y="{}" width="{:.3f}%" height="{}" data-x="{:.5f}" data-w="{:.5f}"><title>{}: {} of the median send; {}</title><rect class="{}" width="100%" height="100%"/>)",
            box.start * 100, row.depth * row_height, (box.end - box.start) * 100, row_height - 2, box.start,
            box.end - box.start, stage_name(row.stage), time, evidence, kind);
        if (kind == evidence_name(Evidence::located)) put(out, "<rect class=\"mark\" width=\"3\" height=\"100%\"/>");
        put(out, "<text dx=\"8\" y=\"16\">{}", stage_name(row.stage));
        const double width = box.end - box.start;
        if (width >= fits_wide)
            put(out, " <tspan class=\"muted{}\">{}</tspan>", width >= fits_anywhere ? "" : " wide", time);
        put(out, "</text></svg>\n");
    }
    put(out, "</svg></svg>\n<p class=\"ends\"><span>0</span><span>{}</span></p>\n", duration(whole));
}

}  // namespace sockray::html
