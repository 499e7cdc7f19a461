#include "user/live/keys.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "user/base/terminal.h"

namespace sockray {
namespace {

// ECMA-48: parameters and intermediates, then one final byte.
bool is_final(char c) {
    return c >= 0x40 && c <= 0x7e;
}

struct Sequence {
    std::string_view text;
    KeyName name;
};

// Behind the escape; as xterm, the Linux console, screen and rxvt send them, in normal and application mode.
constexpr Sequence sequences[] = {
    {"[A", KeyName::up},       {"OA", KeyName::up},         {"[B", KeyName::down}, {"OB", KeyName::down},
    {"[5~", KeyName::page_up}, {"[6~", KeyName::page_down}, {"[H", KeyName::home}, {"OH", KeyName::home},
    {"[1~", KeyName::home},    {"[7~", KeyName::home},      {"[F", KeyName::end},  {"OF", KeyName::end},
    {"[4~", KeyName::end},     {"[8~", KeyName::end},
};

// Bytes of the sequence behind an escape; 0: none begins here.
std::size_t sequence_length(std::string_view text) {
    if (text.empty()) return 0;
    if (text[0] == 'O') return std::min<std::size_t>(text.size(), 2);
    if (text[0] != '[') return 0;
    const auto end = std::find_if(text.begin() + 1, text.end(), is_final);
    return static_cast<std::size_t>(end - text.begin()) + (end != text.end());
}

std::optional<Key> control_key(char c) {
    switch (c) {
        case '\r':
        case '\n': return Key{KeyName::enter};
        case '\b':
        case 0x7f: return Key{KeyName::backspace};
        case 0x0c: return Key{KeyName::redraw};  // Ctrl-L
        default: return std::nullopt;
    }
}

}  // namespace

std::vector<Key> decode_keys(std::string_view bytes) {
    std::vector<Key> keys;
    while (!bytes.empty()) {
        if (bytes[0] == '\x1b') {
            bytes.remove_prefix(1);
            const std::size_t length = sequence_length(bytes);
            if (length == 0) keys.push_back({KeyName::escape});
            for (const Sequence& known : sequences)
                if (length && known.text == bytes.substr(0, length)) keys.push_back({known.name});
            bytes.remove_prefix(length);
            continue;
        }
        const std::size_t length = utf8_length(bytes);
        const bool is_control = length == 1 && (static_cast<unsigned char>(bytes[0]) < 0x20 || bytes[0] == 0x7f);
        if (is_control) {
            if (const auto key = control_key(bytes[0])) keys.push_back(*key);
        } else if (length) {
            keys.push_back({KeyName::text, std::string(bytes.substr(0, length))});
        }
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return keys;
}

}  // namespace sockray
