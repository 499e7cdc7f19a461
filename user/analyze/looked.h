// What the findings looked at, and what of it they could not see.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/stage.h"

namespace sockray {

enum class Sight {
    whole,
    in_part,         // --outcome left out sends of which it tells
    not_traced,      // nothing: a stage was not asked for (--stages)
    not_there,       // nothing: a stage was asked for, and this kernel or these privileges have no hook for it
    recording_cut,   // nothing: the recording ends before its ledger, or lacks files
    sends_left_out,  // nothing: it needs all sends of the session, and some are not in the recording
};

// Its lasting name, for scripts.
constexpr std::string_view sight_name(Sight sight) {
    switch (sight) {
        case Sight::whole: return "whole";
        case Sight::in_part: return "in_part";
        case Sight::not_traced: return "not_traced";
        case Sight::not_there: return "not_there";
        case Sight::recording_cut: return "recording_cut";
        case Sight::sends_left_out: return "sends_left_out";
    }
    return "whole";
}

struct Subject {
    std::string_view text;
    Sight sight = Sight::whole;
    Stage needs = Stage::none;  // of not_traced and not_there: the stage
};

struct Looked {
    std::uint64_t sends = 0;                    // in the recording
    std::optional<std::uint64_t> left_out = 0;  // of the session, by --outcome; none: not known, there is no ledger
    std::vector<Subject> subjects;
};

// The subjects by what could be seen of them, for words. `title`: "not looked at, for ...".
struct SubjectGroup {
    std::string title;
    Sight sight = Sight::whole;
    std::vector<std::string> subjects;  // with the stage that is not there
};
// Whole first; none is empty.
std::vector<SubjectGroup> grouped(const Looked& looked);

// "150 sends"; "300 sends (999700 more were left out by --outcome)".
std::string looked_sends(const Looked& looked);

}  // namespace sockray
