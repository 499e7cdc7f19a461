#include "user/report/method_costs_json.h"

#include <iterator>
#include <string_view>
#include <utility>

#include "user/live/json_lines.h"

namespace sockray {
namespace {

void append_spread(fmt::memory_buffer& out, std::string_view key, const Spread& spread) {
    fmt::format_to(std::back_inserter(out), R"(,"{}":{{"median":{:.6g},"min":{:.6g},"max":{:.6g}}})", key,
                   spread.median, spread.low, spread.high);
}

void append_method(fmt::memory_buffer& out, const MethodCost& cost) {
    auto to = std::back_inserter(out);
    fmt::format_to(to, R"({{"type":"method","method":)");
    append_json_string(out, cost.method);
    fmt::format_to(to, R"(,"bypass":{},"refused":)", cost.bypass);
    if (!cost.refused.empty()) {
        append_json_string(out, cost.refused);
        fmt::format_to(to, "}}\n");
        return;
    }
    fmt::format_to(to, R"(null,"frames":{},"failed":{},"frames_a_call":{:.6g})", cost.frames, cost.failed,
                   cost.frames_a_call);
    append_spread(out, "frames_a_second", cost.frames_a_second);
    append_spread(out, "ratio", cost.ratio);
    append_spread(out, "call_ns", cost.call_ns);
    if (cost.parts.empty()) {
        fmt::format_to(to, R"(,"traced_call_ns":null,"stages":[]}})");
        out.push_back('\n');
        return;
    }
    append_spread(out, "traced_call_ns", cost.traced_ns);
    fmt::format_to(to, R"(,"stages":[)");
    const char* comma = "";
    for (const MethodPart& part : cost.parts) {
        fmt::format_to(to, R"({}{{"name":)", std::exchange(comma, ","));
        if (part.stage == Stage::none)
            fmt::format_to(to, "null");
        else
            append_json_string(out, stage_name(part.stage));
        append_spread(out, "self_ns", part.ns);
        fmt::format_to(to, R"(,"passed":{},"more_ns":{:.6g},"stands_out":{}}})", part.passed, part.more,
                       part.stands_out);
    }
    fmt::format_to(to, "]}}\n");
}

}  // namespace

void append_method_costs_json(fmt::memory_buffer& out, std::span<const MethodCost> costs) {
    for (const MethodCost& cost : costs) append_method(out, cost);
}

}  // namespace sockray
