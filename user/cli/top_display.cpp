#include "user/cli/top_display.h"

#include <string>
#include <utility>

#include "user/live/keys.h"
#include "user/live/top_screen.h"

namespace sockray {
namespace {

// For a file or a pipe: all columns, and long names.
constexpr int text_width = 180;

}  // namespace

TopDisplay::TopDisplay(ActivitySink& activity, Output& out, std::unique_ptr<Window> window, TopSort sort)
    : sink_(activity), out_(out), window_(std::move(window)) {
    state_.sort = sort;
    shown_ = sink_.activity();
    if (window_) draw();
}

bool TopDisplay::react() {
    if (!window_) return true;
    window_->take_signals();
    std::string bytes;
    if (!window_->read_keys(bytes)) return false;
    for (const Key& key : decode_keys(bytes)) apply(state_, key, senders_, page_);
    sink_.set_filter(state_.filter);
    draw();
    return !state_.quit;
}

void TopDisplay::show(const Ledger& ledger) {
    if (!state_.paused) {
        shown_ = sink_.activity();
        ledger_ = ledger;
    }
    if (window_) return draw();
    Style style = style_of(out_.fd());
    style.color = false;
    if (!style.terminal) style.width = text_width;
    out_.buffer().append(top_text(shown_, ledger_, state_, style));
    out_.flush();
}

void TopDisplay::draw() {
    const TopScreen screen = top_screen(shown_, ledger_, state_, window_->height(), window_->style());
    senders_ = screen.senders;
    page_ = screen.page;
    if (error_ == 0) error_ = window_->draw(screen.lines);
}

}  // namespace sockray
