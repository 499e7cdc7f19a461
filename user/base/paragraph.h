// Text of which the lines end where they should: without blanks, and before the width of the output.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/base/format.h"
#include "user/base/terminal.h"

namespace sockray {

// Ends a line: blanks before its end (of a cell that is filled up) are taken away.
void end_line(fmt::memory_buffer& out);

// Text in several tones that is cut at blanks, so that its lines end before the style's width; those below the first
// start at column `indent`. A longer word stays whole. The line that it is appended to is at column `column`.
class Paragraph {
  public:
    Paragraph(fmt::memory_buffer& out, const Style& style, int column, int indent)
        : out_(out), style_(style), column_(column), indent_(indent) {}
    ~Paragraph() { end(); }
    Paragraph(const Paragraph&) = delete;
    Paragraph& operator=(const Paragraph&) = delete;

    // Without a blank between two calls what they add is one word.
    void add(Tone tone, std::string_view text);
    void end();  // with a newline

  private:
    void end_word();

    fmt::memory_buffer& out_;
    const Style& style_;
    int column_;
    int indent_;
    int blanks_ = 0;  // before the word
    std::vector<std::pair<Tone, std::string>> word_;
    bool ended_ = false;
};

}  // namespace sockray
