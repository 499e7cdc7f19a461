#include "tests/cli/invoke.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace sockray {
namespace {

[[noreturn]] void become(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
    std::vector<char*> words{const_cast<char*>("sockray")};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    for (const std::string& setting : surroundings.environment) ::putenv(const_cast<char*>(setting.c_str()));
    if (surroundings.uid != 0 && (::setgid(surroundings.uid) != 0 || ::setuid(surroundings.uid) != 0)) ::_exit(126);
    if (surroundings.background) ::signal(SIGINT, SIG_IGN);
    ::alarm(30);
    ::execv(SOCKRAY_BINARY, words.data());
    ::_exit(126);
}

std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    return text;
}

int wait_for(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

Ended on_a_terminal(const std::vector<std::string>& arguments, const Surroundings& surroundings) {
    int master = -1;
    const pid_t pid = ::forkpty(&master, nullptr, nullptr, nullptr);
    if (pid == 0) become(arguments, surroundings);
    Ended ended;
    ended.out = read_all(master);  // until EIO: nobody holds the other side any more
    ::close(master);
    ended.status = wait_for(pid);
    return ended;
}

}  // namespace

Ended sockray(const Words& arguments, const Surroundings& surroundings) {
    if (surroundings.terminal) return on_a_terminal(arguments, surroundings);
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int nothing = ::open("/dev/null", O_RDONLY);
        const int file = surroundings.output.empty() ? ::fileno(out) : ::open(surroundings.output.c_str(), O_WRONLY);
        ::dup2(nothing, STDIN_FILENO);
        ::dup2(file, STDOUT_FILENO);
        ::dup2(::fileno(err), STDERR_FILENO);
        become(arguments, surroundings);
    }
    Ended ended;
    if (surroundings.interrupt_ms) {
        std::this_thread::sleep_for(std::chrono::milliseconds(surroundings.interrupt_ms));
        ::kill(pid, SIGINT);
    }
    ended.status = wait_for(pid);
    ::lseek(::fileno(out), 0, SEEK_SET);
    ::lseek(::fileno(err), 0, SEEK_SET);
    ended.out = read_all(::fileno(out));
    ended.err = read_all(::fileno(err));
    std::fclose(out);
    std::fclose(err);
    return ended;
}

bool machine_cannot_trace() {
    return ::access("/sys/bus/event_source/devices/kprobe/type", F_OK) != 0;
}

bool is_message(const std::string& text) {
    if (text.empty() || text.back() != '\n') return false;
    for (std::size_t line = 0; line < text.size(); line = text.find('\n', line) + 1)
        if (text.compare(line, 9, "sockray: ") != 0) return false;
    return true;
}

bool is_raw(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); i++) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x80) {
            if ((byte < 0x20 && byte != '\n') || byte == 0x7f) return true;
            continue;
        }
        // Enough of UTF-8 for what the tests send: a lead byte and as many continuations as it asks for.
        const std::size_t more = byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 0;
        if (more == 0 || byte >= 0xf5 || i + more >= text.size()) return true;
        if (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;  // C1 controls
        for (std::size_t k = 1; k <= more; k++)
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return true;
        i += more;
    }
    return false;
}

std::string shown(const std::string& text) {
    std::string result;
    for (const char c : text.substr(0, 400)) {
        char hex[5];
        std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(c));
        result += (c >= ' ' && c < 0x7f) || c == '\n' ? std::string(1, c) : hex;
    }
    return text.size() > 400 ? result + "... (" + std::to_string(text.size()) + " bytes)" : result;
}

std::string joined(const Words& words) {
    std::string text = "sockray";
    for (const std::string& word : words) text += " " + shown(word);
    return text;
}

}  // namespace sockray
