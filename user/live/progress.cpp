#include "user/live/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "user/base/words.h"
#include "user/live/outcome_tone.h"

namespace sockray {

namespace {

constexpr std::uint64_t redraw_ns = 100'000'000;

std::string clock_text(double seconds) {
    const auto whole = static_cast<std::uint64_t>(seconds);
    if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// A progress line that cannot be written is not worth an error.
void write_if_possible(int fd, std::string_view text) {
    [[maybe_unused]] const ssize_t written = ::write(fd, text.data(), text.size());
}

}  // namespace

void Progress::update(const ProgressCounts& counts, std::uint64_t now_ns) {
    if (!style_.terminal || now_ns - drawn_ns_ < redraw_ns) return;
    drawn_ns_ = now_ns;

    // The line must not reach the last column: a terminal that wraps it cannot take it back with '\r'.
    int room = style_.width - 1;
    line_.clear();
    line_.push_back('\r');
    auto part = [&](Tone tone, const std::string& text) {
        if (columns(text) + 2 > room) return;
        if (line_.size() > 1) line_.append(std::string_view("  "));
        paint(line_, style_, tone, text);
        room -= columns(text) + 2;
    };
    const double elapsed = static_cast<double>(now_ns - start_ns_) / 1e9;
    const double rate = elapsed > 0 ? static_cast<double>(counts.sends) / elapsed : 0;
    if (total_ && *total_)
        part(Tone::plain, fmt::format("{} of {}, {} %", counts.sends, count_of(*total_, "send"),
                                      std::min<std::uint64_t>(100, counts.sends * 100 / *total_)));
    else
        part(Tone::plain, count_of(counts.sends, "send"));
    part(Tone::dim, fmt::format("{:.0f}/s", rate));
    part(Tone::dim, clock_text(elapsed));
    if (total_ && counts.sends < *total_ && rate > 0)
        part(Tone::dim, clock_text(static_cast<double>(*total_ - counts.sends) / rate) + " left");
    for (const Outcome outcome : {Outcome::dropped, Outcome::failed, Outcome::queued, Outcome::unknown})
        if (const std::uint64_t sends = counts.outcomes[static_cast<std::size_t>(outcome)])
            part(tone_of(outcome), fmt::format("{} {}", sends, outcome_name(outcome)));
    if (counts.lost) part(Tone::warning, fmt::format("{} lost", counts.lost));

    // Blanks over what an earlier, longer line left behind; no escape sequence, so that any terminal does.
    fmt::format_to(std::back_inserter(line_), "{:{}}", "", std::max(room, 0));
    write_if_possible(fd_, {line_.data(), line_.size()});
    visible_ = true;
}

void Progress::clear() {
    if (!visible_) return;
    visible_ = false;
    write_if_possible(fd_, fmt::format("\r{:{}}\r", "", style_.width - 1));
}

}  // namespace sockray
