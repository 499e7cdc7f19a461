#include "user/cli/window.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "user/base/format.h"
#include "user/base/write_all.h"

namespace sockray {
namespace {

// ECMA-48 and xterm's alternate screen, which every terminal has that people use today.
constexpr std::string_view enter_text = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave_text = "\x1b[0m\x1b[?25h\x1b[?1049l";

sigset_t set_of(std::initializer_list<int> numbers) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : numbers) ::sigaddset(&set, number);
    return set;
}

Fd open_terminal() {
    return Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC));
}

// The default action of Ctrl-Z, now. (An orphaned job is not stopped.)
void stop_here() {
    const sigset_t stop = set_of({SIGTSTP});
    ::raise(SIGTSTP);
    ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
    ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

}  // namespace

bool Window::is_possible() {
    const char* term = std::getenv("TERM");
    const bool can_draw = term && *term && std::string_view(term) != "dumb";
    return can_draw && ::isatty(STDOUT_FILENO) == 1 && open_terminal();
}

Result<std::unique_ptr<Window>> Window::open(int stop_fd) {
    std::unique_ptr<Window> window(new Window(stop_fd));
    window->tty_ = open_terminal();
    if (!window->tty_ || ::tcgetattr(window->tty_.get(), &window->settings_before_) != 0)
        return fail(fmt::format("cannot open the terminal: {}", errno_text(errno)), "without one there is -b");
    const sigset_t followed = set_of({SIGWINCH, SIGTSTP, SIGCONT});
    window->signals_ = Fd(::signalfd(-1, &followed, SFD_CLOEXEC | SFD_NONBLOCK));
    // With SIGTTOU blocked a job in the background can give the terminal back.
    const sigset_t blocked = set_of({SIGWINCH, SIGTSTP, SIGCONT, SIGTTOU});
    ::pthread_sigmask(SIG_BLOCK, &blocked, &window->blocked_before_);
    window->style_ = style_of(window->tty_.get());
    window->measure();
    window->enter();
    return window;
}

Window::~Window() {
    if (!tty_ || !signals_) return;
    leave();
    ::pthread_sigmask(SIG_SETMASK, &blocked_before_, nullptr);
}

void Window::enter() {
    if (::tcgetpgrp(tty_.get()) != ::getpgrp()) return;  // the terminal is somebody else's now
    termios raw = settings_before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
    raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL | INLCR | ISTRIP);
    raw.c_cc[VQUIT] = _POSIX_VDISABLE;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(tty_.get(), TCSANOW, &raw);
    if (!entered_) write_all(tty_.get(), enter_text, SIZE_MAX, stop_fd_);
    entered_ = true;
    measure();
}

void Window::leave() {
    if (!entered_) return;
    entered_ = false;
    write_all(tty_.get(), leave_text, SIZE_MAX, stop_fd_);
    ::tcsetattr(tty_.get(), TCSANOW, &settings_before_);
}

void Window::measure() {
    winsize size{};
    const bool known = ::ioctl(tty_.get(), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    style_.width = known ? size.ws_col : 80;
    height_ = known ? size.ws_row : 24;
}

bool Window::read_keys(std::string& bytes) {
    bytes.clear();
    pollfd wait{tty_.get(), POLLIN, 0};
    if (!entered_ || ::poll(&wait, 1, 0) <= 0) return true;
    char buffer[256];
    const ssize_t got = ::read(tty_.get(), buffer, sizeof buffer);
    if (got <= 0) return got < 0 && errno == EINTR;  // 0: it has hung up
    bytes.assign(buffer, static_cast<std::size_t>(got));
    return true;
}

void Window::take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTSTP) {
            leave();
            stop_here();
        }
        if (info.ssi_signo == SIGWINCH)
            measure();
        else
            enter();
    }
}

int Window::draw(std::span<const std::string> lines) {
    if (!entered_) enter();  // a job that was begun in the background gets no signal when it comes to the front
    if (!entered_) return 0;
    // A line is erased before it is written: behind one that fills the window this would take its last character.
    std::string frame = "\x1b[H";
    for (std::size_t i = 0; i < lines.size(); i++)
        fmt::format_to(std::back_inserter(frame), "{}\x1b[K{}", i ? "\r\n" : "", lines[i]);
    if (static_cast<int>(lines.size()) < height_) frame += "\r\n\x1b[J";
    return write_all(tty_.get(), frame, SIZE_MAX, stop_fd_);
}

}  // namespace sockray
