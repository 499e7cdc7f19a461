// The window of `top` on a real terminal: drawn, followed by keys and sizes, and given back whatever ends it.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr const char* enter = "\x1b[?1049h";
constexpr const char* leave = "\x1b[?1049l";

bool same(const termios& a, const termios& b) {
    return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_lflag == b.c_lflag && a.c_cc[VMIN] == b.c_cc[VMIN] &&
           a.c_cc[VQUIT] == b.c_cc[VQUIT];
}

// A program on a terminal of its own.
class OnATerminal {
  public:
    explicit OnATerminal(std::vector<std::string> command) {
        winsize size{24, 80, 0, 0};
        int slave = -1;
        if (::openpty(&master_, &slave, nullptr, nullptr, &size) != 0) return;
        before_ = settings();  // the program may change them before fork() has returned here
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(master_);
            ::login_tty(slave);
            ::setenv("TERM", "xterm", 1);
            ::setenv("LC_ALL", "C.UTF-8", 1);
            std::vector<char*> words;
            for (std::string& word : command) words.push_back(word.data());
            words.push_back(nullptr);
            ::alarm(60);
            ::execvp(words[0], words.data());
            ::_exit(126);
        }
        ::close(slave);
    }
    ~OnATerminal() {
        if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
        ::close(master_);
    }

    // Until `text` has come behind what was waited for before.
    bool wait_for(const std::string& text) {
        for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
             std::chrono::steady_clock::now() < end;) {
            if (const std::size_t found = all_.find(text, seen_); found != std::string::npos) {
                seen_ = found + text.size();
                return true;
            }
            if (!read_some()) return false;
        }
        return false;
    }
    // The next one that is drawn from its begin to its end.
    std::string picture() {
        const std::string home = "\x1b[H";
        if (!wait_for(home)) return {};
        const std::size_t begin = seen_;
        return wait_for(home) ? all_.substr(begin, seen_ - home.size() - begin) : "";
    }
    void type(const std::string& keys) const {
        ASSERT_EQ(::write(master_, keys.data(), keys.size()), ssize_t(keys.size()));
    }
    void resize(unsigned short rows, unsigned short columns) const {
        const winsize size{rows, columns, 0, 0};
        ::ioctl(master_, TIOCSWINSZ, &size);
    }
    void signal(int number) const { ::kill(pid_, number); }
    // Its exit status, or -N where signal N ended it.
    int finish() {
        while (read_some()) {
        }
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    bool is_as_before() const { return same(settings(), before_); }
    const std::string& all() const { return all_; }

  private:
    termios settings() const {
        termios now{};
        ::tcgetattr(master_, &now);
        return now;
    }
    bool read_some() {
        pollfd wait{master_, POLLIN, 0};
        if (::poll(&wait, 1, 30'000) <= 0) return false;
        char buffer[4096];
        const ssize_t got = ::read(master_, buffer, sizeof buffer);
        if (got <= 0) return false;  // EIO: nobody holds the other side any more
        all_.append(buffer, static_cast<std::size_t>(got));
        return true;
    }
    int master_ = -1;
    pid_t pid_ = -1;
    termios before_{};
    std::string all_;
    std::size_t seen_ = 0;
};

void expect_given_back(OnATerminal& terminal) {
    EXPECT_EQ(terminal.finish(), 0) << terminal.all();
    EXPECT_TRUE(terminal.is_as_before());
    const std::size_t left = terminal.all().rfind(leave);
    ASSERT_NE(left, std::string::npos);
    EXPECT_NE(terminal.all().find("ended", left), std::string::npos)
        << "what is said at the end is on the usual screen";
}

TEST(TheWindow, IsDrawnAndGivenBackWhenTheUserQuits) {
    OnATerminal terminal({SOCKRAY_TOP_WINDOW, "100"});
    ASSERT_TRUE(terminal.wait_for(enter));
    ASSERT_TRUE(terminal.wait_for("trafgen")) << terminal.all();
    EXPECT_FALSE(terminal.is_as_before());
    terminal.type("q");
    expect_given_back(terminal);
}

TEST(TheWindow, IsGivenBackAtCtrlCAndAtASignal) {
    for (const int number : {0, SIGTERM, SIGHUP, SIGINT}) {
        OnATerminal terminal({SOCKRAY_TOP_WINDOW, "100"});
        ASSERT_TRUE(terminal.wait_for("LEDGER"));
        if (number)
            terminal.signal(number);
        else
            terminal.type("\x03");
        expect_given_back(terminal);
    }
}

TEST(TheWindow, FollowsKeysAndItsSize) {
    OnATerminal terminal({SOCKRAY_TOP_WINDOW, "100"});
    ASSERT_TRUE(terminal.wait_for("trafgen"));
    terminal.type("/ptp");
    EXPECT_TRUE(terminal.wait_for("filter: ptp"));
    terminal.type("\r ");
    EXPECT_TRUE(terminal.wait_for("PAUSED"));
    terminal.resize(50, 170);
    EXPECT_TRUE(terminal.wait_for("queued")) << "more columns have room";
    terminal.type("\x1b");
    EXPECT_TRUE(terminal.wait_for("trafgen"));
    terminal.type("h");
    EXPECT_TRUE(terminal.wait_for("any key goes back"));
    terminal.type("qq");
    expect_given_back(terminal);
}

std::string line_with(const std::string& picture, const std::string& text) {
    const std::size_t at = picture.find(text);
    if (at == std::string::npos) return "";
    const std::size_t begin = picture.rfind('\n', at) + 1;  // npos + 1: the first line
    return picture.substr(begin, picture.find('\n', at) - begin);
}

TEST(TheWindow, Of80ColumnsHasWhatMattersOfASenderWithALittlePictureOfItsRate) {
    OnATerminal terminal({SOCKRAY_TOP_WINDOW, "50"});
    ASSERT_TRUE(terminal.wait_for("trafgen"));
    for (int i = 0; i < 5; i++) terminal.picture();
    const std::string picture = terminal.picture();
    const std::string head = line_with(picture, "device");
    for (const char* column : {"pid", "device", "by", "sends/s", "bytes/s", "drop", "fail", "median", "p99", "rate"})
        EXPECT_NE(head.find(column), std::string::npos) << column << "\n" << picture;
    for (const std::string row : {"trafgen", "packet_sendmsg"}) {
        bool drawn = false;
        for (const char* block : {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"})
            drawn = drawn || line_with(picture, row).find(block) != std::string::npos;
        EXPECT_TRUE(drawn) << row << "\n" << picture;
    }
    terminal.type("q");
    expect_given_back(terminal);
}

TEST(TheWindow, SortsFiltersAndStandsStillByItsKeys) {
    OnATerminal terminal({SOCKRAY_TOP_WINDOW, "50"});
    ASSERT_TRUE(terminal.wait_for("trafgen"));
    terminal.type("p");
    ASSERT_TRUE(terminal.wait_for("sort pid"));
    std::string picture = terminal.picture();
    EXPECT_LT(picture.find("ho.."), picture.find("lldpd")) << picture;
    EXPECT_LT(picture.find("lldpd"), picture.find("trafgen")) << picture;
    terminal.type("r");
    ASSERT_TRUE(terminal.wait_for("sort rate"));
    picture = terminal.picture();
    EXPECT_LT(picture.find("trafgen"), picture.find("tcpreplay")) << picture;
    EXPECT_LT(picture.find("tcpreplay"), picture.find("lldpd")) << picture;

    terminal.type("/veth1\r");
    ASSERT_TRUE(terminal.wait_for("filter veth1"));
    terminal.picture();
    picture = terminal.picture();
    EXPECT_NE(picture.find("2 of 8 senders"), std::string::npos) << picture;
    EXPECT_NE(picture.find("ptp4l"), std::string::npos) << picture;
    EXPECT_EQ(picture.find("trafgen"), std::string::npos) << picture;
    terminal.type("\x1b");

    terminal.type(" ");
    ASSERT_TRUE(terminal.wait_for("PAUSED"));
    picture = terminal.picture();
    for (int i = 0; i < 4; i++) EXPECT_EQ(terminal.picture(), picture) << "nothing moves";
    terminal.type(" ");
    std::string later = terminal.picture();
    for (int i = 0; i < 20 && line_with(later, "LEDGER") == line_with(picture, "LEDGER"); i++)
        later = terminal.picture();
    EXPECT_NE(line_with(later, "LEDGER"), line_with(picture, "LEDGER")) << "counting went on";
    terminal.type("q");
    expect_given_back(terminal);
}

TEST(TheWindow, IsGivenBackWhileTheJobIsStoppedAndDrawnAgainWhenItGoesOn) {
    if (::access("/bin/bash", X_OK) != 0) GTEST_SKIP() << "needs a shell with job control: bash";
    OnATerminal terminal(
        {"/bin/bash", "--norc", "-m", "-c", SOCKRAY_TOP_WINDOW " 100; echo st''opped; sleep 1; fg; echo e''nd"});
    ASSERT_TRUE(terminal.wait_for("trafgen"));
    terminal.type("\x1a");
    ASSERT_TRUE(terminal.wait_for(leave)) << terminal.all();
    ASSERT_TRUE(terminal.wait_for("stopped")) << terminal.all();
    EXPECT_TRUE(terminal.is_as_before());
    ASSERT_TRUE(terminal.wait_for(enter)) << terminal.all();
    ASSERT_TRUE(terminal.wait_for("trafgen")) << terminal.all();
    terminal.type("q");
    ASSERT_TRUE(terminal.wait_for("end")) << terminal.all();
    expect_given_back(terminal);
}

}  // namespace
