// Plans of kernels that are made up of names, for the tests of plans.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/probe_kernels.h"
#include "user/probe/plan.h"

namespace sockray::sample {

inline Blueprint made(const Names& names, const Result<InlinedBodies>& found = bodies(),
                      StageSet stages = full_stages) {
    Result<Blueprint> blueprint = make_plan(symbols_of(names), found, stages);
    EXPECT_TRUE(blueprint) << blueprint.error().what;
    return std::move(blueprint).value_or(Blueprint());
}

// "probed packet_create kprobe+kretprobe", "located packet_sendmsg+1547 kprobe", "derived none".
inline std::string line(const Blueprint& blueprint, Stage stage) {
    const PlanLine* found = blueprint.plan.find(stage);
    if (!found) return "no line";
    std::string text(evidence_name(found->evidence));
    if (!found->function.empty()) text += " " + found->function;
    if (found->offset) text += "+" + std::to_string(found->offset);
    return text + " " + found->hook;
}

inline std::vector<Hook> hooks_of(const Blueprint& blueprint, Stage stage) {
    std::vector<Hook> hooks;
    for (const Hook& hook : blueprint.hooks)
        if (hook.stage == stage) hooks.push_back(hook);
    return hooks;
}

}  // namespace sockray::sample
