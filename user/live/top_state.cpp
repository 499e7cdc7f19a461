#include "user/live/top_state.h"

#include <algorithm>

#include "user/base/terminal.h"

namespace sockray {
namespace {

constexpr std::size_t longest_filter = 64;

// Bytes of the last character.
std::size_t last_length(std::string_view text) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[text.size() - length]) & 0xc0) == 0x80) length++;
    return std::min(length, text.size());
}

void set_sort(TopState& state, TopSort sort) {
    state.sort = sort;
    state.scroll = 0;
}

void edit(TopState& state, const Key& key) {
    state.scroll = 0;
    switch (key.name) {
        case KeyName::enter: state.typing = false; break;
        case KeyName::escape:
            state.typing = false;
            state.filter.clear();
            break;
        case KeyName::backspace: state.filter.resize(state.filter.size() - last_length(state.filter)); break;
        case KeyName::text:
            if (state.filter.size() + key.text.size() <= longest_filter) state.filter += key.text;
            break;
        default: break;
    }
}

void command(TopState& state, char c) {
    switch (c) {
        case 'q': state.quit = true; break;
        case ' ': state.paused = !state.paused; break;
        case 's':
            set_sort(state, state.sort == TopSort::pid ? TopSort::rate : TopSort{static_cast<int>(state.sort) + 1});
            break;
        case 'r': set_sort(state, TopSort::rate); break;
        case 'b': set_sort(state, TopSort::bytes); break;
        case 'd': set_sort(state, TopSort::drops); break;
        case 'l': set_sort(state, TopSort::latency); break;
        case 'p': set_sort(state, TopSort::pid); break;
        case 'i': state.without_idle = !state.without_idle; break;
        case '/': state.typing = true; break;
        case 'h':
        case '?': state.help = true; break;
        default: break;
    }
}

}  // namespace

void apply(TopState& state, const Key& key, std::size_t rows, std::size_t page) {
    if (state.help) {  // any key leaves it
        state.help = false;
        state.quit = key.text == "q";
        return;
    }
    if (state.typing) return edit(state, key);
    const std::size_t most = rows > page ? rows - page : 0;
    const std::size_t scroll = std::min(state.scroll, most);
    switch (key.name) {
        case KeyName::text:
            if (key.text.size() == 1) command(state, key.text[0]);
            break;
        case KeyName::escape: state.filter.clear(); break;
        case KeyName::up: state.scroll = scroll ? scroll - 1 : 0; break;
        case KeyName::down: state.scroll = std::min(scroll + 1, most); break;
        case KeyName::page_up: state.scroll = scroll > page ? scroll - page : 0; break;
        case KeyName::page_down: state.scroll = std::min(scroll + page, most); break;
        case KeyName::home: state.scroll = 0; break;
        case KeyName::end: state.scroll = most; break;
        default: break;
    }
}

}  // namespace sockray
