// What is shown of a session while it goes on, one thing at a time: as JSON Lines, as lines, or as trees.
#pragma once

#include <memory>

#include "user/analyze/devices.h"
#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/correlate/sink.h"

namespace sockray {

enum class View {
    json,    // one object a line, the plan first and the summary last
    lines,   // one line a send
    tree,    // one tree a send
    totals,  // nothing while it runs but the first socket
    none     // nothing at all: others show it
};

// Appends to `out`, which must outlive it; its owner takes away what has been written as often as it likes.
// `devices`: what all sends were given to by the end, those that are not shown too; must outlive it.
std::unique_ptr<Sink> make_view(View view, fmt::memory_buffer& out, const Style& style, const Devices& devices);

}  // namespace sockray
