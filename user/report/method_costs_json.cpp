#include "user/report/method_costs_json.h"

#include <string_view>

#include "user/base/json.h"

namespace sockray {
namespace {

void append_spread(JsonObject& object, std::string_view key, const Spread& spread) {
    JsonObject values = object.object(key);
    values.real("median", spread.median);
    values.real("min", spread.low);
    values.real("max", spread.high);
}

void append_parts(JsonObject& object, const MethodCost& cost) {
    if (cost.parts.empty())
        object.null("traced_call_ns");
    else
        append_spread(object, "traced_call_ns", cost.traced_ns);
    object.number("traced_frames", cost.traced_frames);
    object.number("traced_failed", cost.traced_failed);
    object.number("traced_timed", cost.traced_timed);
    {
        JsonArray stages = object.array("stages");
        for (const MethodPart& part : cost.parts) {
            JsonObject stage = stages.object();
            if (part.stage == Stage::none)
                stage.null("name");
            else
                stage.text("name", stage_name(part.stage));
            append_spread(stage, "self_ns", part.ns);
            stage.boolean("passed", part.passed);
            stage.real("more_ns", part.more);
            stage.boolean("stands_out", part.stands_out);
        }
    }
    if (cost.parts.empty())
        object.null("rest_ns");
    else
        object.real("rest_ns", cost.rest_ns);
}

void append_method(JsonObject& object, const MethodCost& cost) {
    object.text("type", "method");
    object.text("method", cost.method);
    object.boolean("bypass", cost.bypass);
    if (!cost.refused.empty()) {
        object.text("refused", cost.refused);
        return;
    }
    object.null("refused");
    object.number("frames", cost.frames);
    object.number("failed", cost.failed);
    object.real("frames_a_call", cost.frames_a_call);
    append_spread(object, "frames_a_second", cost.frames_a_second);
    append_spread(object, "ratio", cost.ratio);
    append_spread(object, "call_ns", cost.call_ns);
    append_parts(object, cost);
}

}  // namespace

void append_method_costs_json(fmt::memory_buffer& out, std::span<const MethodCost> costs) {
    for (const MethodCost& cost : costs) {
        {
            JsonObject object(out);
            append_method(object, cost);
        }
        out.push_back('\n');
    }
}

}  // namespace sockray
