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

inline constexpr const char* own_types_path = "/sys/kernel/btf/vmlinux";

// Everything that doctor shows. `root` is put before every path of the system, so that tests can feed fixtures; "" is
// the system. `btf_file`: what stands in for the kernel's own BTF, "" for nothing.
std::vector<Condition> inspect_environment(const std::string& root = "", const std::string& btf_file = "");

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
