// The table of `top`: which columns fit into a width, and what stands in them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "user/analyze/activity.h"
#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {

// At most `width` columns, from 4 on: digits, or three of them and k, M, G or T.
std::string count_text(std::uint64_t count, int width);
// The same; below ten with a decimal.
std::string rate_text(double a_second, int width);

enum class TopColumn {
    name,
    pid,
    socket,
    ifname,
    method,
    rate,
    bytes,
    sends,
    delivered,
    dropped,
    failed,
    queued,
    unknown,
    median,
    p99,
    history
};

struct TopCell {
    TopColumn column;
    int width;
};

// The columns that fit, in the order in which they stand; the least important are left out. Spare columns go to long
// names, and to the history of the rate.
std::vector<TopCell> fit_columns(std::span<const ActiveSender* const> senders, const Style& style);

// Each one line, without the newline, of at most the style's width.
void append_top_header(fmt::memory_buffer& out, std::span<const TopCell> cells, const Style& style);
void append_top_row(fmt::memory_buffer& out, std::span<const TopCell> cells, const ActiveSender& sender,
                    const Activity& activity, const Style& style);

}  // namespace sockray
