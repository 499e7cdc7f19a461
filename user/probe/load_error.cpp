#include "user/probe/load_error.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "user/probe/environment.h"

namespace sockray {
namespace {

// libbpf's print callback has no context argument, so what it collects lives here.
std::string collected;          // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
libbpf_print_fn_t previous_fn;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

int collect(libbpf_print_level level, const char* format, va_list arguments) {
    if (level != LIBBPF_WARN) return 0;
    char line[1024];
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    if (length > 0) collected.append(line);
    return length;
}

}  // namespace

LibbpfLog::LibbpfLog() {
    collected.clear();
    previous_fn = libbpf_set_print(collect);
}

LibbpfLog::~LibbpfLog() {
    libbpf_set_print(previous_fn);
}

std::string LibbpfLog::last_warning() const {
    std::string_view text = collected;
    while (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t line = text.rfind('\n');
    text = line == std::string_view::npos ? text : text.substr(line + 1);
    if (text.starts_with("libbpf: ")) text.remove_prefix(8);
    return std::string(text);
}

Error load_error(std::string_view what, int err, const LibbpfLog& log) {
    if (err == EPERM || err == EACCES) {
        const Obstacle obstacle = why_not_permitted();
        return {ErrorKind::not_allowed, fmt::format("cannot {}: {}", what, obstacle.why), obstacle.remedy};
    }
    const std::string warning = log.last_warning();
    return {ErrorKind::failed,
            fmt::format("cannot {}: {}{}", what, errno_text(err), warning.empty() ? "" : " (" + warning + ")"),
            "see what `sockray doctor` says of this kernel"};
}

}  // namespace sockray
