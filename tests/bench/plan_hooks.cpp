#include "tests/bench/plan_hooks.h"

#include <istream>
#include <nlohmann/json.hpp>

namespace sockray::bench {

std::vector<PlanHook> read_plan(std::istream& lines) {
    std::vector<PlanHook> hooks;
    for (std::string text; std::getline(lines, text);) {
        const auto line = nlohmann::json::parse(text, nullptr, false);
        if (!line.is_object() || line.value("type", "") != "plan") continue;
        PlanHook hook;
        hook.stage = line.value("stage", "");
        hook.function = line.value("function", "");
        hook.offset = line.value("offset", std::uint64_t{0});
        const std::string words = line.value("hook", "none");
        const std::size_t plus = words.find('+');
        hook.kind = words.substr(0, plus);
        hook.on_return = plus != std::string::npos;
        if (hook.function.empty() || words == "none" || words == "tracepoint") continue;
        hooks.push_back(std::move(hook));
    }
    return hooks;
}

}  // namespace sockray::bench
