#include "user/base/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace sockray {

namespace {

std::string_view environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

// The value that setlocale(3) would take for LC_CTYPE; empty where nothing is set.
std::string_view locale_name() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (std::string_view value = environment(name); !value.empty()) return value;
    return {};
}

// "ko_KR.UTF-8", "C.utf8", "de_DE.utf8@euro"
bool names_utf8(std::string_view locale) {
    const std::size_t dot = locale.find('.');
    if (dot == std::string_view::npos) return false;
    std::string codeset;
    for (char c : locale.substr(dot + 1)) {
        if (c == '@') break;
        if (c != '-') codeset += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return codeset == "utf8";
}

std::string_view code(Tone tone) {
    switch (tone) {
        case Tone::plain: return "";
        case Tone::dim: return "\x1b[2m";
        case Tone::bold: return "\x1b[1m";
        case Tone::good: return "\x1b[32m";
        case Tone::warning: return "\x1b[33m";
        case Tone::bad: return "\x1b[31m";
    }
    return "";
}

struct Range {
    std::uint32_t first, last;
};

// Code points that show nothing, or change how what follows is shown: C0 and C1 controls, zero-width and
// bidirectional formatting characters, separators, fillers, tags, private use and non-characters.
constexpr Range invisible[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x034f, 0x034f},   {0x061c, 0x061c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164}, {0xe000, 0xf8ff}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
    {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
};

// Unicode's East Asian width W and F, by the blocks that hold them.
constexpr Range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f}, {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

// Combining marks of the general blocks.
constexpr Range combining[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f}, {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0x302a, 0x302f}, {0x3099, 0x309a}, {0xfe20, 0xfe2f},
};

template <std::size_t N>
bool is_in(const Range (&ranges)[N], std::uint32_t point) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [point](const Range& range) { return range.first <= point && point <= range.last; });
}

// Of a valid character of `length` bytes.
std::uint32_t code_point(std::string_view text, std::size_t length) {
    auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    if (length == 1) return byte(0);
    std::uint32_t point = byte(0) & (0x7fU >> length);
    for (std::size_t i = 1; i < length; i++) point = point << 6 | (byte(i) & 0x3fU);
    return point;
}

// The part at the beginning that is shown as it is, in one column a byte.
std::size_t plain_length(std::string_view text) {
    const auto end =
        std::find_if_not(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != '\\'; });
    return static_cast<std::size_t>(end - text.begin());
}

int columns_of(std::uint32_t point) {
    if (point < 0x300) return 1;
    if (is_in(combining, point)) return 0;
    return is_in(wide, point) ? 2 : 1;
}

// The depth at which the next node of the same or a lesser depth stands tells whether a line goes on.
bool goes_on(std::span<const int> depths, std::size_t index, int depth) {
    for (std::size_t i = index + 1; i < depths.size() && depths[i] >= depth; i++)
        if (depths[i] == depth) return true;
    return false;
}

}  // namespace

Style style_of(int fd) {
    Style style;
    style.terminal = ::isatty(fd) == 1;
    style.color = style.terminal && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
    const std::string_view locale = locale_name();
    style.utf8 = locale.empty() ? !style.terminal : names_utf8(locale);
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
    return style;
}

Paint paint_of(const Style& style, Tone tone) {
    if (!style.color || tone == Tone::plain) return {};
    return {code(tone), "\x1b[0m"};
}

void paint(fmt::memory_buffer& out, const Style& style, Tone tone, std::string_view text) {
    if (text.empty()) return;
    const Paint around = paint_of(style, tone);
    append_all(out, around.before, text, around.behind);
}

void append_blanks(fmt::memory_buffer& out, int count) {
    constexpr std::string_view blanks = "                                ";
    for (; count > 0; count -= static_cast<int>(blanks.size()))
        append_all(out, blanks.substr(0, static_cast<std::size_t>(count)));
}

void paint_cell(fmt::memory_buffer& out, const Style& style, Tone tone, std::string_view text, int width, Align align) {
    const int blanks = std::max(width - columns(text), 0);
    if (align == Align::right) append_blanks(out, blanks);
    paint(out, style, tone, text);
    if (align == Align::left) append_blanks(out, blanks);
}

std::size_t utf8_length(std::string_view text) {
    if (text.empty()) return 0;
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; i++)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;   // overlong
    if (first == 0xed && byte(1) >= 0xa0) return 0;  // a surrogate
    if (first == 0xf0 && byte(1) < 0x90) return 0;   // overlong
    if (first == 0xf4 && byte(1) >= 0x90) return 0;  // beyond U+10FFFF
    return length;
}

std::string printable(std::string_view text, bool utf8) {
    std::string shown(text.substr(0, plain_length(text)));
    text.remove_prefix(shown.size());
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const bool visible = length == 1 ? text[0] >= 0x20 && text[0] != 0x7f && text[0] != '\\'
                                         : length && utf8 && !is_in(invisible, code_point(text, length));
        const std::size_t taken = std::max<std::size_t>(length, 1);
        if (visible)
            shown.append(text.substr(0, taken));
        else
            for (char c : text.substr(0, taken))
                fmt::format_to(std::back_inserter(shown), "\\x{:02x}", static_cast<unsigned char>(c));
        text.remove_prefix(taken);
    }
    return shown;
}

int columns(std::string_view text) {
    const std::size_t plain = plain_length(text);
    auto total = static_cast<int>(plain);
    text.remove_prefix(plain);
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        total += length ? columns_of(code_point(text, length)) : 1;
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return total;
}

std::string shortened(std::string_view text, int width) {
    if (columns(text) <= width) return std::string(text);
    const int dots = std::clamp(width, 0, 2);
    std::size_t kept = 0;
    for (int taken = 0; kept < text.size();) {
        const std::string_view rest = text.substr(kept);
        const std::size_t length = std::max<std::size_t>(utf8_length(rest), 1);
        taken += columns(rest.substr(0, length));
        if (taken > width - dots) break;
        kept += length;
    }
    return std::string(text.substr(0, kept)).append(static_cast<std::size_t>(dots), '.');
}

std::vector<std::string_view> wrapped(std::string_view text, int width) {
    std::vector<std::string_view> lines;
    while (columns(text) > width) {
        // The last blank that leaves a line which fits, or else the first one.
        std::size_t cut = std::string_view::npos;
        for (std::size_t blank = text.find(' '); blank != std::string_view::npos; blank = text.find(' ', blank + 1)) {
            if (cut != std::string_view::npos && columns(text.substr(0, blank)) > width) break;
            cut = blank;
        }
        if (cut == std::string_view::npos) break;
        lines.push_back(text.substr(0, cut));
        text.remove_prefix(cut + 1);
    }
    lines.push_back(text);
    return lines;
}

void paint_lines(fmt::memory_buffer& out, const Style& style, Tone tone, std::string_view text, int indent) {
    for (const std::string_view line : wrapped(text, style.width - indent)) {
        fmt::format_to(std::back_inserter(out), "{:{}}", "", indent);
        paint(out, style, tone, line);
        out.push_back('\n');
    }
}

void DurationText::append(std::string_view piece) {
    std::memcpy(text_.data() + size_, piece.data(), piece.size());
    size_ += piece.size();
}

// Three digits, by integers.
DurationText::DurationText(std::uint64_t ns) {
    if (ns < 1000) {
        append(sockray::view(fmt::format_int(ns)));
        append(" ns");
        return;
    }
    // Rounding must not make four digits of three: 999.96 us is 1.00 ms.
    std::uint64_t unit = 1000;
    std::string_view name = " us";
    if (ns >= 999'500) unit = 1'000'000, name = " ms";
    if (ns >= 999'500'000) unit = 1'000'000'000, name = " s";
    std::uint64_t parts = ns / unit * 1000 + ns % unit * 1000 / unit;  // thousandths
    const int decimals = parts < 9'995 ? 2 : parts < 99'950 ? 1 : 0;
    const std::uint64_t step = decimals == 2 ? 10 : decimals == 1 ? 100 : 1000;
    parts = (parts + step / 2) / step;
    const std::uint64_t digits = 1000 / step;
    append(sockray::view(fmt::format_int(parts / digits)));
    if (decimals > 0) {
        append(decimals == 2 && parts % digits < 10 ? ".0" : ".");
        append(sockray::view(fmt::format_int(parts % digits)));
    }
    append(name);
}

std::string duration(std::uint64_t ns) {
    return std::string(DurationText(ns).view());
}

std::string branch_below(std::span<const int> depths, std::size_t index, const Style& style) {
    std::string lines;
    for (int depth = 1; depth <= depths[index] + 1; depth++)
        lines += !goes_on(depths, index, depth) ? "   " : style.utf8 ? "│  " : "|  ";
    return lines;
}

std::string branch(std::span<const int> depths, std::size_t index, const Style& style) {
    std::string lines;
    for (int depth = 1; depth < depths[index]; depth++)
        lines += !goes_on(depths, index, depth) ? "   " : style.utf8 ? "│  " : "|  ";
    if (depths[index] == 0) return lines;
    if (goes_on(depths, index, depths[index])) return lines + (style.utf8 ? "├─ " : "|- ");
    return lines + (style.utf8 ? "└─ " : "`- ");
}

}  // namespace sockray
