#include "user/base/paragraph.h"

#include <algorithm>
#include <iterator>

namespace sockray {

void end_line(fmt::memory_buffer& out) {
    while (out.size() && out[out.size() - 1] == ' ') out.resize(out.size() - 1);
    out.push_back('\n');
}

void Paragraph::end_word() {
    int width = 0;
    for (const auto& [tone, text] : word_) width += columns(text);
    if (width && column_ > indent_ && column_ + blanks_ + width > style_.width) {
        end_line(out_);
        column_ = indent_;
        fmt::format_to(std::back_inserter(out_), "{:{}}", "", indent_);
    } else {
        column_ += blanks_;
        fmt::format_to(std::back_inserter(out_), "{:{}}", "", blanks_);
    }
    column_ += width;
    blanks_ = 0;
    for (const auto& [tone, text] : word_) paint(out_, style_, tone, text);
    word_.clear();
}

void Paragraph::add(Tone tone, std::string_view text) {
    while (!text.empty()) {
        const std::size_t blank = std::min(text.find(' '), text.size());
        if (blank) {
            word_.emplace_back(tone, text.substr(0, blank));
        } else {
            if (!word_.empty()) end_word();
            blanks_++;
        }
        text.remove_prefix(std::max<std::size_t>(blank, 1));
    }
}

void Paragraph::end() {
    if (std::exchange(ended_, true)) return;
    end_word();
    end_line(out_);
}

}  // namespace sockray
