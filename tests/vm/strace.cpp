#include "tests/vm/strace.h"

#include <sys/socket.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>

namespace sockray::vm {
namespace {

// One line: NAME(ARGUMENTS) = RETURN[<...>] [ERROR (text)]. Strings are empty (-s 0), so nothing in them misleads.
struct Line {
    std::uint64_t pid;
    std::string name;
    std::string arguments;
    std::int64_t ret;
    std::string after;  // what follows the number that was returned
};

std::optional<Line> split(std::uint64_t pid, const std::string& text) {
    const std::size_t open = text.find('(');
    const std::size_t equals = text.rfind(") = ");
    // strace fills up with blanks: "write(1, ...)       = 91"
    const std::size_t padded = text.rfind(" = ");
    if (open == std::string::npos || padded == std::string::npos) return std::nullopt;
    const std::size_t close = equals != std::string::npos ? equals : text.rfind(')', padded);
    if (close == std::string::npos || close < open) return std::nullopt;
    const std::string result = text.substr(padded + 3);
    if (result.empty() || (result[0] != '-' && (result[0] < '0' || result[0] > '9'))) return std::nullopt;
    std::size_t digits = 0;
    const std::int64_t ret = std::stoll(result, &digits);
    return Line{pid, text.substr(0, open), text.substr(open + 1, close - open - 1), ret, result.substr(digits)};
}

// "3<socket:[123]>": 123
std::uint64_t inode_in(std::string_view text) {
    const std::size_t open = text.find(":[");
    const std::size_t comma = text.find(", ");
    if (open == std::string_view::npos || (comma != std::string_view::npos && comma < open)) return 0;
    return std::strtoull(std::string(text.substr(open + 2)).c_str(), nullptr, 10);
}

std::string error_in(const std::string& after) {
    const std::size_t start = after.find('E');
    return start == std::string::npos ? "" : after.substr(start, after.find(' ', start) - start);
}

// The words of the arguments, cut at commas that stand in no bracket.
std::vector<std::string> words_of(const std::string& arguments) {
    std::vector<std::string> words(1);
    int depth = 0;
    for (const char c : arguments) {
        if (c == '(' || c == '[' || c == '{') depth++;
        if (c == ')' || c == ']' || c == '}') depth--;
        if (c == ',' && depth == 0) {
            words.emplace_back();
        } else if (!(c == ' ' && words.back().empty())) {
            words.back() += c;
        }
    }
    return words;
}

std::string between(const std::string& text, const std::string& before, const std::string& behind) {
    const std::size_t start = text.find(before);
    if (start == std::string::npos) return "";
    const std::size_t from = start + before.size();
    return text.substr(from, text.find(behind, from) - from);
}

std::uint64_t sum_of_parts(const std::string& text) {
    std::uint64_t sum = 0;
    for (std::size_t at = text.find("iov_len="); at != std::string::npos; at = text.find("iov_len=", at + 1))
        sum += std::stoull(text.substr(at + 8));
    return sum;
}

int type_of(const std::string& word) {
    const std::string name = word.substr(0, word.find('|'));
    if (name == "SOCK_RAW") return SOCK_RAW;
    if (name == "SOCK_DGRAM") return SOCK_DGRAM;
    if (name == "SOCK_PACKET") return SOCK_PACKET;
    return -1;
}

// "htons(ETH_P_ARP)", "htons(0x88b5 /* ETH_P_??? */)", "htons(0 /* ETH_P_??? */)"
int protocol_of(const std::string& word) {
    static const std::map<std::string, int> names{{"ETH_P_ALL", 0x0003}, {"ETH_P_IP", 0x0800}, {"ETH_P_ARP", 0x0806}};
    const std::string inside = between(word, "htons(", ")");
    const auto known = names.find(inside);
    if (known != names.end()) return known->second;
    return static_cast<int>(std::strtol((inside.empty() ? word : inside).c_str(), nullptr, 0));
}

SeenSend send_of(const Line& line) {
    const std::vector<std::string> words = words_of(line.arguments);
    SeenSend send;
    send.pid = line.pid;
    send.entry = line.name;
    send.socket_ino = inode_in(line.arguments);
    send.ret = line.ret;
    send.error = line.ret < 0 ? error_in(line.after) : "";
    send.ifname = between(line.arguments, "sll_ifindex=if_nametoindex(\"", "\"");
    if (line.name == "sendto" || line.name == "write")
        send.len = words.size() > 2 ? std::stoull(words[2]) : 0;
    else
        send.len = sum_of_parts(line.arguments);
    if (line.name == "sendto" && words.size() > 4 && words[4] == "NULL") send.entry = "send";
    return send;
}

bool sends(const std::string& name) {
    static const std::set<std::string> names{"sendto", "sendmsg", "sendmmsg", "write", "writev"};
    return names.count(name) != 0;
}

bool forks(const std::string& name) {
    return name == "clone" || name == "clone3" || name == "fork" || name == "vfork";
}

struct Family {
    std::map<std::uint64_t, std::uint64_t> parent;
    std::map<std::uint64_t, std::string> program;  // by its own execve

    std::string comm_of(std::uint64_t pid) const {
        for (int most = 100; most > 0; most--) {
            const auto named = program.find(pid);
            if (named != program.end()) return named->second;
            const auto above = parent.find(pid);
            if (above == parent.end()) break;
            pid = above->second;
        }
        return "";
    }
};

// The kernel's name of a task: the last part of what was executed, 15 bytes of it.
std::string comm_of_path(const std::string& path) {
    return path.substr(path.rfind('/') + 1).substr(0, 15);
}

std::vector<Line> read_lines(const std::string& prefix) {
    std::vector<Line> lines;
    const std::filesystem::path path(prefix);
    for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(path.filename().string() + ".")) continue;
        const std::uint64_t pid = std::stoull(name.substr(name.rfind('.') + 1));
        std::ifstream file(entry.path());
        for (std::string text; std::getline(file, text);)
            if (auto line = split(pid, text)) lines.push_back(std::move(*line));
    }
    return lines;
}

}  // namespace

std::size_t StraceLog::send_count() const {
    std::size_t count = 0;
    for (const auto& [pid, of_pid] : sends) count += of_pid.size();
    return count;
}

std::vector<SeenSend> StraceLog::sends_of(const std::string& comm) const {
    std::vector<SeenSend> found;
    for (const auto& [pid, of_pid] : sends)
        for (const SeenSend& send : of_pid)
            if (send.comm == comm) found.push_back(send);
    return found;
}

Arguments under_strace(const std::string& prefix, const Arguments& command) {
    Arguments words{"strace",
                    "-ff",
                    "--seccomp-bpf",
                    "-y",
                    "-s",
                    "0",
                    "-o",
                    prefix,
                    "-e",
                    "trace=socket,sendto,sendmsg,sendmmsg,write,writev,execve,clone,clone3,fork,vfork"};
    words.insert(words.end(), command.begin(), command.end());
    return words;
}

StraceLog read_strace(const std::string& prefix) {
    const std::vector<Line> lines = read_lines(prefix);
    StraceLog log;
    Family family;
    std::set<std::uint64_t> packet_sockets;
    for (const Line& line : lines) {
        if (forks(line.name) && line.ret > 0) family.parent[static_cast<std::uint64_t>(line.ret)] = line.pid;
        if (line.name == "execve" && line.ret == 0)
            family.program[line.pid] = comm_of_path(between(line.arguments, "\"", "\""));
        if (line.name != "socket" || !line.arguments.starts_with("AF_PACKET")) continue;
        const std::vector<std::string> words = words_of(line.arguments);
        const std::uint64_t ino = inode_in(line.after);
        if (line.ret >= 0) packet_sockets.insert(ino);
        log.sockets[line.pid].push_back(
            {line.pid, type_of(words.at(1)), protocol_of(words.at(2)), ino, line.ret < 0 ? error_in(line.after) : ""});
    }
    for (const Line& line : lines) {
        if (!sends(line.name) || !packet_sockets.count(inode_in(line.arguments))) continue;
        SeenSend send = send_of(line);
        send.comm = family.comm_of(line.pid);
        log.sends[line.pid].push_back(std::move(send));
    }
    return log;
}

namespace {

// The frames of one call on a TX ring as that call, which returns the sum of their bytes, or the error of the last.
std::vector<SendLine> as_calls(const std::vector<SendLine>& sends) {
    std::vector<SendLine> calls;
    for (const SendLine& send : sends) {
        if (send.ring_frame.value_or(0) > 0 && !calls.empty()) {
            SendLine& call = calls.back();
            const bool failed = send.ret.value_or(0) < 0;
            call.ret = failed ? send.ret : call.ret.value_or(0) + send.ret.value_or(0);
            call.err = send.err;
            continue;
        }
        calls.push_back(send);
        if (send.ring_frame) calls.back().len = 0;
    }
    return calls;
}

}  // namespace

void expect_as_strace_saw(const std::vector<SendLine>& sends, const std::vector<SeenSend>& calls) {
    std::vector<SendLine> seen = as_calls(sends);
    std::ranges::stable_sort(seen, {}, &SendLine::pid);
    ASSERT_EQ(seen.size(), calls.size());
    for (std::size_t i = 0; i < calls.size(); i++) {
        SCOPED_TRACE(calls[i].comm + ", call " + std::to_string(i));
        EXPECT_EQ(seen[i].pid, calls[i].pid);
        EXPECT_EQ(seen[i].entry, calls[i].entry);
        EXPECT_EQ(seen[i].socket_ino, calls[i].socket_ino);
        EXPECT_EQ(seen[i].len, calls[i].len);
        EXPECT_EQ(seen[i].ret, calls[i].ret);
        const int err = static_cast<int>(seen[i].err.value_or(-1));
        EXPECT_EQ(err ? ::strerrorname_np(err) : "", calls[i].error);
        if (!calls[i].ifname.empty()) {
            EXPECT_EQ(seen[i].ifname, calls[i].ifname);
        }
    }
}

}  // namespace sockray::vm
