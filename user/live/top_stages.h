// The times of the stages, with how they went in the last intervals.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "user/analyze/activity.h"
#include "user/base/terminal.h"

namespace sockray {

// A title and a line a stage, each at most the style's width, in at most `lines` lines: where those are too few, the
// stages that take longest. Nothing where no stage was passed, or there is no room for one.
std::vector<std::string> top_stages(const Activity& activity, std::size_t lines, const Style& style);

}  // namespace sockray
