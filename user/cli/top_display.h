// Shows what `top` has counted: in a window and by its keys, or as plain text.
#pragma once

#include <memory>

#include "user/analyze/activity.h"
#include "user/cli/output.h"
#include "user/cli/window.h"
#include "user/correlate/ledger.h"
#include "user/live/top_state.h"

namespace sockray {

class TopDisplay {
  public:
    // `activity` and `out` must outlive it. Without a window text goes to `out`.
    TopDisplay(ActivitySink& activity, Output& out, std::unique_ptr<Window> window, TopSort sort);

    // To wait on for reading, then react(); -1 without a window.
    int keys_fd() const { return window_ ? window_->keys_fd() : -1; }
    int signals_fd() const { return window_ ? window_->signals_fd() : -1; }

    // Keys and signals that have come. False: the user wants to quit, or the terminal has gone.
    bool react();
    // An interval has ended. `ledger`: as counted so far.
    void show(const Ledger& ledger);
    // The errno of what could not be written, 0 while all is well.
    int error() const { return window_ ? error_ : out_.error(); }
    // Gives the terminal back.
    void close() { window_.reset(); }

  private:
    void draw();

    ActivitySink& sink_;
    Output& out_;
    std::unique_ptr<Window> window_;
    TopState state_;
    Activity shown_;  // stays as it is while paused
    Ledger ledger_;
    std::size_t senders_ = 0;
    std::size_t page_ = 0;
    int error_ = 0;
};

}  // namespace sockray
