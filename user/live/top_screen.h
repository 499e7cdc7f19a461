// What `top` shows: an interval's activity as lines of a window, or as plain text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "user/analyze/activity.h"
#include "user/base/terminal.h"
#include "user/correlate/ledger.h"
#include "user/live/top_state.h"

namespace sockray {

struct TopScreen {
    std::vector<std::string> lines;  // at most as many as the window has, each at most as wide
    std::size_t senders = 0;         // that match
    std::size_t page = 0;            // of these, so many have room
};

// `ledger`: as counted while tracing goes on. The window has `height` lines of the style's width.
TopScreen top_screen(const Activity& activity, const Ledger& ledger, const TopState& state, int height,
                     const Style& style);

// The same with all senders and stages, however many lines that takes, and an empty line behind it.
std::string top_text(const Activity& activity, const Ledger& ledger, const TopState& state, const Style& style);

}  // namespace sockray
