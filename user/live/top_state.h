// What the user of `top` has chosen, and how keys change it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "user/live/keys.h"

namespace sockray {

enum class TopSort { rate, bytes, drops, latency, pid };

constexpr std::string_view sort_name(TopSort sort) {
    switch (sort) {
        case TopSort::rate: return "rate";
        case TopSort::bytes: return "bytes";
        case TopSort::drops: return "drops";
        case TopSort::latency: return "latency";
        case TopSort::pid: return "pid";
    }
    return "rate";
}

struct TopState {
    TopSort sort = TopSort::rate;
    std::string filter = {};    // only senders that match; as typed
    bool typing = false;        // the filter, which is in effect while it is typed
    bool paused = false;        // what is shown stays; counting goes on
    bool without_idle = false;  // only senders of the last interval
    bool help = false;
    std::size_t scroll = 0;  // so many senders are above the first that is shown
    bool quit = false;
};

// `rows`: senders that match; `page`: of these, how many fit into the window.
void apply(TopState& state, const Key& key, std::size_t rows, std::size_t page);

}  // namespace sockray
