// Any bytes as what was typed: keys that are text hold one whole character, and whatever they do, the screen stays
// within its window.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "user/live/keys.h"
#include "user/live/top_screen.h"

// The first two bytes choose the window; the rest is typed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view typed(reinterpret_cast<const char*>(data + 2), size - 2);
    const sockray::Style style{false, true, data[0] + 1, true};
    sockray::TopState state;
    for (const sockray::Key& key : sockray::decode_keys(typed)) {
        if (key.name == sockray::KeyName::text && sockray::utf8_length(key.text) != key.text.size()) std::abort();
        sockray::apply(state, key, 7, 3);
    }
    if (state.scroll > 7) std::abort();
    const int height = data[1] + 1;
    const sockray::TopScreen screen = sockray::top_screen({}, {}, state, height, style);
    if (screen.lines.size() > static_cast<std::size_t>(height)) std::abort();
    for (const std::string& line : screen.lines)
        if (sockray::columns(line) > style.width) std::abort();
    return 0;
}
