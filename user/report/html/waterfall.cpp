#include "user/report/html/waterfall.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/correlate/path.h"
#include "user/live/step_note.h"
#include "user/report/html/plot.h"
#include "user/report/html/text.h"

namespace sockray::html {

namespace {

constexpr double least_width = 0.3;  // percent

// The time that the rows of one send are drawn on.
struct Scale {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    double at(std::uint64_t ns) const {
        if (ns <= begin || end <= begin) return 0;
        return std::min(static_cast<double>(ns - begin) / static_cast<double>(end - begin), 1.0) * 100;
    }
};

bool is_dropped(const sr_send& record) {
    return (record.flags & SR_SEND_DROP) && record.drop_ns;
}

Scale scale_of(const sr_send& record, const Steps& steps) {
    Scale scale{begin_ns(record), 0};
    for (const Step& step : steps) scale.end = std::max<std::uint64_t>({scale.end, step.span.start, step.span.end});
    if (is_dropped(record)) scale.end = std::max<std::uint64_t>(scale.end, record.drop_ns);
    return scale;
}

std::string offset(const Scale& scale, std::uint64_t ns) {
    return ns >= scale.begin && ns ? "+" + duration(ns - scale.begin) : "";
}

void append_cells(fmt::memory_buffer& out, std::string_view name, int depth, std::string_view evidence,
                  std::string_view start, std::string_view took) {
    put(out,
        "<div class=\"step\"><code class=\"d{}\">{}</code><span class=\"ev {}\">{}</span><span class=\"n "
        "muted\">{}</span>"
        "<span class=\"n\">{}</span>",
        depth, name, evidence, evidence, start, took);
}

void append_step(fmt::memory_buffer& out, const Step& step, const Scale& scale, std::string_view note) {
    const bool started = step.span.start && step.span.start >= scale.begin;
    const bool moment = is_moment(stage_info(step.stage).slot);
    const bool ended = started && !moment && step.span.end >= step.span.start;
    append_cells(out, stage_name(step.stage), step.depth, evidence_name(step.evidence),
                 started ? offset(scale, step.span.start) : "",
                 ended                ? duration(step.span.end - step.span.start)
                 : moment || !started ? ""
                                      : "unknown");
    put(out, "<svg class=\"bar\" aria-hidden=\"true\">");
    const double x = scale.at(step.span.start);
    if (ended)
        put(out,
            R"(<rect class="track" width="100%" height="100%"/><rect class="{}" x="{:.3f}%" width="{:.3f}%" height="100%"/>)",
            evidence_name(step.evidence), std::min(x, 100 - least_width),
            std::max(scale.at(step.span.end) - x, least_width));
    else if (started)
        put(out,
            R"(<rect class="track" width="100%" height="100%"/><rect class="moment" x="{:.3f}%" width="3" height="100%"/>)",
            std::min(x, 100 - least_width));
    put(out, "</svg><span class=\"note\">{}</span></div>\n", escaped(note));
}

}  // namespace

void Waterfalls::append_head(const Send& send) {
    const sr_send& record = send.record;
    put(out_, "<summary><b>#{}</b> ", send.id);
    const auto took = duration_ns(record);
    put(out_, "<span class=\"n\">{}</span> ", took ? duration(*took) : "time unknown");
    if (const auto frame = frame_duration_ns(record); frame && (!took || *frame > *took))
        put(out_, "<span class=\"n muted\">frame {}</span> ", duration(*frame));
    put(out_, "<b class=\"{0}\">{0}</b> ", outcome_name(send.outcome));
    if (send.end_stage != Stage::none) put(out_, "in <code>{}</code> ", stage_name(send.end_stage));
    put(out_, "<span>{}[{}], {} of {}", escaped(record.comm), record.pid, escaped(entry_name(record)),
        count_of(record.len, "byte"));
    if (record.ifname[0]) put(out_, " on {}", escaped(record.ifname));
    put(out_, "</span>");
    if (const std::uint64_t begin = begin_ns(record); begin && start_ns_) {
        const auto at = static_cast<std::int64_t>(begin - start_ns_);
        put(out_, " <span class=\"muted\">at {}</span>", time_label(at, 1000, magnitude(at)));
    }
    put(out_, "</summary>\n");
}

void Waterfalls::append_rows(const Send& send) {
    const sr_send& record = send.record;
    const Steps steps = steps_of(record, plan_);
    const Scale scale = scale_of(record, steps);
    put(out_, "<div class=\"steps\">\n");
    for (const Step& step : steps) append_step(out_, step, scale, step_note(send, step, names_));
    if (is_dropped(record)) {
        append_cells(out_, "kfree_skb", 0, evidence_name(Evidence::probed), offset(scale, record.drop_ns), "");
        put(out_,
            R"(<svg class="bar" aria-hidden="true"><rect class="track" width="100%" height="100%"/><rect class="drop" x="{:.3f}%" width="3" height="100%"/></svg><span class="note">{}</span></div>)"
            "\n",
            std::min(scale.at(record.drop_ns), 99.0), escaped(names_.drop_reason(record.drop_reason)));
    }
    if (scale.end > scale.begin)
        put(out_, "<p class=\"ends\"><span>0</span><span>{}</span></p>\n", duration(scale.end - scale.begin));
    put(out_, "</div>\n");
}

void Waterfalls::append(const Send& send, bool open) {
    if (!shown_.insert(send.id).second) {
        put(out_, "<p><a href=\"#send-{0}\">#{0}</a> is shown above.</p>\n", send.id);
        return;
    }
    put(out_, "<details class=\"send\" id=\"send-{}\"{}>", send.id, open ? " open" : "");
    append_head(send);
    if (!send.reason.empty()) put(out_, "<p>{}</p>\n", escaped(send.reason));
    append_rows(send);
    put(out_, "</details>\n");
}

}  // namespace sockray::html
