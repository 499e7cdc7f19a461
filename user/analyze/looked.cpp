#include "user/analyze/looked.h"

#include <utility>

#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

std::string title_of(Sight sight, const Looked& looked) {
    switch (sight) {
        case Sight::whole: return looked.left_out.value_or(0) ? "looked at, in the sends that are here" : "looked at";
        case Sight::in_part: return "looked at in part, for --outcome left out sends that were lost";
        case Sight::not_traced: return "not looked at, for the stage was not traced (--stages full)";
        case Sight::not_there:
            return "not looked at, for there was no hook for the stage (sockray doctor, or the plan, says why)";
        case Sight::recording_cut: return "not looked at, for the recording is not whole";
        case Sight::sends_left_out: return "not looked at, for not all sends of the session are here";
    }
    return "";
}

}  // namespace

std::vector<SubjectGroup> grouped(const Looked& looked) {
    std::vector<SubjectGroup> groups;
    for (const Sight sight : {Sight::whole, Sight::in_part, Sight::not_traced, Sight::not_there, Sight::recording_cut,
                              Sight::sends_left_out}) {
        SubjectGroup group{title_of(sight, looked), sight, {}};
        for (const Subject& subject : looked.subjects) {
            if (subject.sight != sight) continue;
            group.subjects.push_back(subject.needs == Stage::none
                                         ? std::string(subject.text)
                                         : fmt::format("{} ({})", subject.text, stage_name(subject.needs)));
        }
        if (!group.subjects.empty()) groups.push_back(std::move(group));
    }
    return groups;
}

std::string looked_sends(const Looked& looked) {
    std::string words = count_of(looked.sends, "send");
    if (const std::uint64_t left_out = looked.left_out.value_or(0))
        words += fmt::format(" ({} left out by --outcome)", count_of(left_out, "more was", "more were"));
    return words;
}

}  // namespace sockray
