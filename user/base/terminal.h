// How text looks where it is shown: what an output can display, and text and numbers made fit for it.
//
// Names of tasks and devices are chosen by whoever owns them: nothing of theirs reaches a terminal but
// through printable().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/format.h"

namespace sockray {

// What an output can display.
struct Style {
    bool color = false;
    bool utf8 = false;      // false: everything written is ASCII
    int width = 100;        // columns to lay text out for
    bool terminal = false;  // false: a file or a pipe, whose lines may be longer than `width`
};

// The style of a file descriptor, by the terminal behind it and the environment. Colour: a terminal, NO_COLOR
// unset or empty, TERM not "dumb". UTF-8: LC_ALL, LC_CTYPE or LANG (the first that is set) names that
// codeset; where none is set, only for files and pipes. Width: the terminal's, else 100.
Style style_of(int fd);

enum class Tone { plain, dim, bold, good, warning, bad };

// What stands around a text of this tone; nothing where the style has no colours.
struct Paint {
    std::string_view before;
    std::string_view behind;
};
Paint paint_of(const Style& style, Tone tone);

// Appends `text`, in its colour where the style has colours.
void paint(fmt::memory_buffer& out, const Style& style, Tone tone, std::string_view text);

enum class Align { left, right };

// The same, filled up with blanks to `width` columns; longer text stays whole.
void paint_cell(fmt::memory_buffer& out, const Style& style, Tone tone, std::string_view text, int width,
                Align align = Align::left);

// So many of them; none where `count` is not above 0.
void append_blanks(fmt::memory_buffer& out, int count);

// Bytes of the UTF-8 character at the start of `text`: 1 to 4, or 0 where there is none (empty, invalid,
// overlong, a surrogate).
std::size_t utf8_length(std::string_view text);

// `text` with all that is no visible character written as \xNN: control characters, invalid UTF-8, the invisible
// characters that turn or hide text, all but ASCII where `utf8` is false, and the backslash (\x5c): so each text
// has a form of its own. Not to be applied twice.
std::string printable(std::string_view text, bool utf8 = true);

// Columns that printable text takes: wide characters two, combining ones none.
int columns(std::string_view text);

// The start of `text` that fits into `width` columns, its end replaced by dots where it is longer.
std::string shortened(std::string_view text, int width);

// Lines of at most `width` columns (a longer word stays whole), cut at blanks. At least one line. Views into
// `text`.
std::vector<std::string_view> wrapped(std::string_view text, int width);

// Appends `text` as whole lines that start at column `indent` and end before the style's width.
void paint_lines(fmt::memory_buffer& out, const Style& style, Tone tone, std::string_view text, int indent);

// Three significant digits: "412 ns", "12.3 us", "1.24 ms", "3.50 s"; from 1000 s on whole seconds.
std::string duration(std::uint64_t ns);

// The same for what is shown for each send: without a string.
class DurationText {
  public:
    explicit DurationText(std::uint64_t ns);
    std::string_view view() const { return {text_.data(), size_}; }

  private:
    void append(std::string_view piece);

    std::array<char, 32> text_;
    std::size_t size_ = 0;
};

// The lines before node `index` of a tree whose nodes are given in the order they are printed, by depth:
// "│  ├─ ", or "|  |- " in ASCII. Three columns a level, nothing at depth 0.
std::string branch(std::span<const int> depths, std::size_t index, const Style& style);

// The lines that go on past node `index`, for text of its own that is printed beneath it. `branch`'s width,
// plus three.
std::string branch_below(std::span<const int> depths, std::size_t index, const Style& style);

}  // namespace sockray
