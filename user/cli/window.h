// The terminal as a window to draw in: keys come one by one, and everything is as before when it goes.
#pragma once

#include <termios.h>

#include <csignal>
#include <memory>
#include <span>
#include <string>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/base/terminal.h"

namespace sockray {

// Ctrl-C stays a signal (signals.h). SIGWINCH, SIGTSTP, SIGCONT and SIGTTOU are blocked while it lives. One at a time.
class Window {
  public:
    // Whether standard output is a terminal that can be drawn in, and there is one to read keys from.
    static bool is_possible();

    // Takes the alternate screen. `stop_fd`: when this becomes readable while the terminal does not take what is drawn,
    // drawing is given up. Errors: no terminal.
    static Result<std::unique_ptr<Window>> open(int stop_fd);
    ~Window();
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;

    // Readable when keys, or a signal, have come.
    int keys_fd() const { return tty_.get(); }
    int signals_fd() const { return signals_.get(); }

    // What was typed, "" for nothing; false where the terminal has gone.
    bool read_keys(std::string& bytes);
    // Follows what has come: a new size, Ctrl-Z (returns when the job goes on). What was drawn is to be drawn again.
    void take_signals();

    const Style& style() const { return style_; }
    int height() const { return height_; }

    // Nothing while the job is in the background. Returns 0 or the errno.
    int draw(std::span<const std::string> lines);

  private:
    explicit Window(int stop_fd) : stop_fd_(stop_fd) {}
    void enter();
    void leave();
    void measure();

    int stop_fd_;
    Fd tty_;
    Fd signals_;
    sigset_t blocked_before_{};
    termios settings_before_{};
    bool entered_ = false;
    Style style_;
    int height_ = 0;
};

}  // namespace sockray
