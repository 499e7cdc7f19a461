// What is said of a path and its stages, in text and in HTML.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "user/analyze/chain.h"
#include "user/base/plan.h"

namespace sockray {

// A line of the tree: a stage that was passed, or one that belongs here and was not.
struct ChainRow {
    int slot = 0;
    Stage stage = Stage::none;
    int depth = 0;
    bool passed = false;
};

// The stages of the path as this kernel shows them, and in their place those between the entry and
// packet_sendmsg that it does not pass: a reader who knows them looks for them.
std::vector<ChainRow> chain_rows(const Path& path, const Plan& plan);

// The paths that most sends took first.
std::vector<const Path*> paths_by_sends(const Chain& chain);

// "located +1547". `hit`: sends of this path hit its hook.
std::string evidence_text(Stage stage, bool hit, const Plan& plan);

// Why there are no times. Of the plan's reason the first clause: the plan itself tells the rest.
std::string_view without_times(const ChainRow& row, const Plan& plan);

struct ChainNote {
    std::string text;
    bool wrong = false;  // of something that must not be
};

// What must be known to read the times of this path: the proof that the kprobe inside packet_sendmsg sits where it
// should, and whose times they are.
std::vector<ChainNote> chain_notes(const Path& path, const Plan& plan);

}  // namespace sockray
