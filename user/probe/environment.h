// What of this machine helps or hinders tracing: read from the system, nothing is loaded or changed.
#pragma once

#include <string>
#include <vector>

#include "user/base/result.h"

namespace sockray {

enum class Effect {
    helps,    // as it should be
    hinders,  // tracing works, but less well: see the remedy
    prevents  // the main job cannot run
};

struct Condition {
    std::string name;  // "kernel", "BTF", "lockdown" ...
    Effect effect = Effect::helps;
    std::string state;   // what was found
    std::string remedy;  // what to do; empty where it helps
};

// Everything that doctor shows. `root` is put before every path, so that tests can feed fixtures; "" is the system.
std::vector<Condition> inspect_environment(const std::string& root = "");

enum class Purpose {
    tracing,  // the main job
    reading   // only reading kernel memory: needs no kprobes
};

// The first condition that prevents it, as an error of kind not_allowed.
Status check_environment(const std::vector<Condition>& conditions, Purpose purpose = Purpose::tracing);

struct Obstacle {
    std::string why;
    std::string remedy;
};

// The likeliest reason for EPERM from bpf(2) or perf_event_open(2): a missing capability, or lockdown.
Obstacle why_not_permitted(const std::string& root = "");

}  // namespace sockray
