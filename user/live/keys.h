// What was typed on a terminal in raw mode.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sockray {

enum class KeyName { text, enter, escape, backspace, redraw, up, down, page_up, page_down, home, end };

struct Key {
    KeyName name = KeyName::text;
    std::string text = {};  // one UTF-8 character
    bool operator==(const Key&) const = default;
};

// Of what one read(2) gave: an escape with nothing behind it is the key. What is no key that is known is left out;
// bytes that are not UTF-8 too.
std::vector<Key> decode_keys(std::string_view bytes);

}  // namespace sockray
