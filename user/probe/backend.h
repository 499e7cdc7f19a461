// The kinds of hook that can realise a stage.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace sockray {

// In the order of what a hit costs, the cheapest first (docs/hooks.md says what was measured of it, and what was not).
enum class Backend {
    fentry,        // fentry and fexit: a trampoline at a function that the kernel's BTF describes
    kprobe_multi,  // kprobe.multi and kretprobe.multi: fprobe, at a function's entry
    kprobe         // kprobe and kretprobe: anywhere, inside of a function too
};
inline constexpr std::array all_backends{Backend::fentry, Backend::kprobe_multi, Backend::kprobe};

// As the command line and the plan name it.
constexpr std::string_view backend_name(Backend backend) {
    switch (backend) {
        case Backend::fentry: return "fentry";
        case Backend::kprobe_multi: return "kprobe-multi";
        case Backend::kprobe: return "kprobe";
    }
    return "kprobe";
}

// What the plan calls the hooks on a function's entry and return: "fentry+fexit"; without a return: "fentry".
inline std::string hook_words(Backend backend, bool has_return) {
    switch (backend) {
        case Backend::fentry: return has_return ? "fentry+fexit" : "fentry";
        case Backend::kprobe_multi: return has_return ? "kprobe.multi+kretprobe.multi" : "kprobe.multi";
        case Backend::kprobe: return has_return ? "kprobe+kretprobe" : "kprobe";
    }
    return "kprobe";
}

}  // namespace sockray
