#include "user/base/json.h"

#include <algorithm>
#include <iterator>

#include "user/base/terminal.h"

namespace sockray {

namespace {

// A control character of the second set, U+0080 to U+009F.
bool is_c1(std::string_view character) {
    return character.size() == 2 && character[0] == '\xc2' && static_cast<unsigned char>(character[1]) < 0xa0;
}

// `backslash`: as what one of the text's is written.
void append_string(fmt::memory_buffer& out, std::string_view text, std::string_view backslash) {
    const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    out.push_back('"');
    while (!text.empty()) {
        std::size_t run = 0;
        while (run < text.size() && is_plain(text[run])) run++;
        append_all(out, text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty()) break;

        const std::size_t length = utf8_length(text);
        const char c = text[0];
        if (length == 0)  // the backslash of JSON's own escape, then that of ours
            fmt::format_to(std::back_inserter(out), "\\\\x{:02x}", static_cast<unsigned char>(c));
        else if (c == '\\')
            out.append(backslash);
        else if (is_c1(text.substr(0, length)))
            fmt::format_to(std::back_inserter(out), "\\u00{:02x}", static_cast<unsigned char>(text[1]));
        else if (length > 1)
            out.append(text.substr(0, length));
        else if (c == '"')
            out.append(std::string_view("\\\""));
        else
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
        text.remove_prefix(length ? length : 1);
    }
    out.push_back('"');
}

}  // namespace

void append_json_string(fmt::memory_buffer& out, std::string_view text) {
    append_string(out, text, "\\\\x5c");
}

void append_json_printable(fmt::memory_buffer& out, std::string_view text) {
    append_string(out, text, "\\\\");
}

void JsonObject::real(std::string_view name, double value, int digits) {
    key(name);
    fmt::format_to(std::back_inserter(out_), "{:.{}g}", value, digits);
}

}  // namespace sockray
