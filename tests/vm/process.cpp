#include "tests/vm/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

#include "user/base/fd.h"

namespace sockray::vm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto poll_again = std::chrono::milliseconds(10);
constexpr std::chrono::seconds rest_of_output{1};  // of children that outlive the program and keep its outputs open

struct Pipe {
    Fd reading;
    Fd writing;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error(std::strerror(errno));
        reading = Fd(ends[0]);
        writing = Fd(ends[1]);
    }
};

// All signals wait while it lives.
class SignalsHeld {
  public:
    SignalsHeld() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsHeld() { restore(); }
    SignalsHeld(const SignalsHeld&) = delete;
    SignalsHeld& operator=(const SignalsHeld&) = delete;
    void restore() const { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

[[noreturn]] void become(const Arguments& command, const RunOptions& options, int out, int err,
                         const SignalsHeld& signals) {
    // As from a terminal; whoever started the tests may have started them in the background, with SIGINT ignored.
    for (const int number : {SIGINT, SIGQUIT, SIGPIPE}) ::signal(number, SIG_DFL);
    signals.restore();
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(err, STDERR_FILENO);
    if (!options.out_file.empty()) out = ::open(options.out_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(out, STDOUT_FILENO);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    if (options.in_child) options.in_child();
    if (options.uid && (::setgroups(0, nullptr) != 0 || ::setgid(options.uid) != 0 || ::setuid(options.uid) != 0))
        ::_exit(126);
    ::execvp(words[0], words.data());
    ::dprintf(STDERR_FILENO, "cannot run %s: %s\n", words[0], std::strerror(errno));
    ::_exit(127);
}

}  // namespace

struct Process::State {
    RunOptions options;
    pid_t pid = -1;
    Clock::time_point started = Clock::now();
    Fd ended;  // pidfd
    Pipe out;
    Pipe err;
    mutable std::mutex mutex;
    std::string out_text;
    std::string err_text;
    std::atomic<bool> close_out{false};
    std::atomic<bool> stop{false};
    std::atomic<bool> drained{false};
    std::thread reader;
    std::optional<int> status;

    // Reads both outputs until both have ended.
    void read_all() {
        std::vector<char> buffer(1 << 16);
        bool open_out = true;
        bool open_err = true;
        while ((open_out || open_err) && !stop) {
            if (close_out && open_out) {
                out.reading.reset();
                open_out = false;
            }
            pollfd waits[] = {{open_out ? out.reading.get() : -1, POLLIN, 0},
                              {open_err ? err.reading.get() : -1, POLLIN, 0}};
            ::poll(waits, 2, 50);
            if (waits[0].revents) open_out = take(waits[0].fd, out_text, buffer);
            if (waits[1].revents) open_err = take(waits[1].fd, err_text, buffer);
        }
        drained = true;
    }

    bool take(int fd, std::string& text, std::vector<char>& buffer) const {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got <= 0) return got < 0 && errno == EINTR;
        const std::lock_guard lock(mutex);
        text.append(buffer.data(), static_cast<std::size_t>(got));
        return true;
    }

    bool reap(Seconds timeout) {
        if (status) return true;
        pollfd wait{ended.get(), POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(timeout.count() * 1000)) <= 0) return false;
        int code = 0;
        ::waitpid(pid, &code, 0);
        status = WIFSIGNALED(code) ? 128 + WTERMSIG(code) : WEXITSTATUS(code);
        return true;
    }

    bool wait_for(const std::string& text, const std::string& where, Seconds timeout) const {
        const auto end = Clock::now() + timeout;
        for (;;) {
            pollfd wait{ended.get(), POLLIN, 0};
            const bool over = ::poll(&wait, 1, 0) > 0 && drained;
            {
                const std::lock_guard lock(mutex);
                if (where.find(text) != std::string::npos) return true;
            }
            if (over || Clock::now() > end) return false;
            std::this_thread::sleep_for(poll_again);
        }
    }

    ~State() {
        if (pid > 0 && !status) {
            ::kill(pid, SIGKILL);
            reap(Seconds(10));
        }
        stop = true;
        if (reader.joinable()) reader.join();
    }
};

Process::Process(const Arguments& command, const RunOptions& options) : state_(std::make_unique<State>()) {
    state_->options = options;
    {
        // The child still ignores what we ignore: a signal that comes before it has changed that would be lost.
        const SignalsHeld signals;
        state_->pid = ::fork();
        if (state_->pid == 0) become(command, options, state_->out.writing.get(), state_->err.writing.get(), signals);
    }
    if (state_->pid < 0) throw std::runtime_error(std::strerror(errno));
    state_->ended = Fd(static_cast<int>(::syscall(SYS_pidfd_open, state_->pid, 0)));
    state_->out.writing.reset();
    state_->err.writing.reset();
    state_->reader = std::thread([state = state_.get()] { state->read_all(); });
}

Process::~Process() = default;
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;

pid_t Process::pid() const {
    return state_->pid;
}

bool Process::running() const {
    pollfd wait{state_->ended.get(), POLLIN, 0};
    return !state_->status && ::poll(&wait, 1, 0) == 0;
}

bool Process::wait_for_err(const std::string& text, Seconds timeout) const {
    return state_->wait_for(text, state_->err_text, timeout);
}

bool Process::wait_for_out(const std::string& text, Seconds timeout) const {
    return state_->wait_for(text, state_->out_text, timeout);
}

void Process::signal(int number) const {
    if (!state_->status) ::kill(state_->pid, number);
}

void Process::close_out() {
    state_->close_out = true;
}

Completed Process::finish() {
    Completed completed;
    const Seconds left = state_->options.timeout - Seconds(Clock::now() - state_->started);
    if (!state_->reap(std::max(left, Seconds(0)))) {
        completed.timed_out = true;
        ::kill(state_->pid, SIGKILL);
        state_->reap(Seconds(30));
    }
    completed.took = Clock::now() - state_->started;
    completed.status = state_->status.value_or(-1);
    for (const auto end = Clock::now() + rest_of_output; Clock::now() < end && !state_->drained;)
        std::this_thread::sleep_for(poll_again);
    state_->stop = true;
    if (state_->reader.joinable()) state_->reader.join();
    completed.out = std::move(state_->out_text);
    completed.err = std::move(state_->err_text);
    return completed;
}

Completed run(const Arguments& command, const RunOptions& options) {
    return Process(command, options).finish();
}

bool comes_to_wait_in(const Process& process, const std::string& function) {
    const std::string stack = "/proc/" + std::to_string(process.pid()) + "/stack";
    for (const auto end = Clock::now() + Seconds(180); Clock::now() < end && process.running();) {
        if (read_file(stack).find(function) != std::string::npos) return true;
        std::this_thread::sleep_for(poll_again);
    }
    return false;
}

std::string shown(const Completed& completed) {
    constexpr std::size_t most = 3000;
    const auto part = [](const std::string& text) {
        return text.size() <= most ? text : text.substr(0, most / 2) + "\n...\n" + text.substr(text.size() - most / 2);
    };
    return "exit status " + std::to_string(completed.status) + (completed.timed_out ? ", timed out" : "") +
           "\nstandard output:\n" + part(completed.out) + "\nstandard error:\n" + part(completed.err);
}

std::string beside_test(const std::string& name) {
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

namespace {

std::string program(const char* variable, const std::string& name) {
    const char* path = std::getenv(variable);
    return path ? path : beside_test(name);
}

}  // namespace

std::string sockray_path() {
    return program("SOCKRAY", "sockray");
}

std::string sender_path() {
    return program("PACKET_SENDER", "packet_sender");
}

std::string churn_path() {
    return program("PACKET_CHURN", "packet_churn");
}

Process start_sockray(const Arguments& arguments, const RunOptions& options) {
    Arguments command{sockray_path()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return Process(command, options);
}

Completed sockray(const Arguments& arguments, const RunOptions& options) {
    return start_sockray(arguments, options).finish();
}

std::string missing_tool(const std::vector<std::string>& names) {
    const std::string path = std::getenv("PATH") ? std::getenv("PATH") : "";
    for (const std::string& name : names) {
        bool found = false;
        for (std::size_t at = 0; at <= path.size() && !found;) {
            const std::size_t end = std::min(path.find(':', at), path.size());
            found = ::access((path.substr(at, end - at) + "/" + name).c_str(), X_OK) == 0;
            at = end + 1;
        }
        if (!found) return name;
    }
    return "";
}

std::string scratch(const std::string& name) {
    const std::string path = "/tmp/sockray-vm-tests/" + name;
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
    return path;
}

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

}  // namespace sockray::vm
