#include "user/probe/load_error.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include "user/base/format.h"
#include "user/probe/environment.h"

namespace sockray {
namespace {

// libbpf's print callback has no context argument, so the log that listens is known here.
LibbpfLog* innermost;           // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
libbpf_print_fn_t previous_fn;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

int collect(libbpf_print_level level, const char* format, va_list arguments) {
    if (level != LIBBPF_WARN) return 0;
    // The verifier's log comes in one piece; what matters of it are the last lines.
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, arguments);
    if (length > 0) {
        std::string line(static_cast<std::size_t>(length) + 1, '\0');
        std::vsnprintf(line.data(), line.size(), format, again);
        line.pop_back();
        if (innermost) innermost->add(line);
    }
    va_end(again);
    return length;
}

}  // namespace

LibbpfLog::LibbpfLog() : outer_(innermost) {
    innermost = this;
    if (!outer_) previous_fn = libbpf_set_print(collect);
}

LibbpfLog::~LibbpfLog() {
    innermost = outer_;
    if (!outer_) libbpf_set_print(previous_fn);
}

std::string LibbpfLog::last_warning() const {
    std::string_view text = text_;
    while (text.ends_with('\n')) text.remove_suffix(1);
    const std::size_t line = text.rfind('\n');
    text = line == std::string_view::npos ? text : text.substr(line + 1);
    if (text.starts_with("libbpf: ")) text.remove_prefix(8);
    return std::string(text);
}

// libbpf: "prog 'NAME': -- BEGIN PROG LOAD LOG --", the verifier's lines, "processed N insns ...", "-- END PROG LOAD
// LOG --".
std::string LibbpfLog::verifier_words() const {
    std::string_view text = text_;
    const std::size_t begin = text.find("-- BEGIN PROG LOAD LOG --");
    const std::size_t end = text.find("-- END PROG LOAD LOG --", begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) return {};
    const std::size_t name = text.rfind('\'', begin);
    const std::size_t before = name == std::string_view::npos ? name : text.rfind('\'', name - 1);
    const std::string program(before == std::string_view::npos ? "" : text.substr(before + 1, name - before - 1));
    std::string_view said = text.substr(begin, end - begin);
    if (const std::size_t sums = said.rfind("\nprocessed "); sums != std::string_view::npos)
        said = said.substr(0, sums);
    while (said.ends_with('\n')) said.remove_suffix(1);
    const std::size_t line = said.rfind('\n');
    if (line == std::string_view::npos) return {};
    return fmt::format("{}: {}", program, said.substr(line + 1));
}

std::string libbpf_text(int err) {
    char words[128] = "";
    if (err < __LIBBPF_ERRNO__START || libbpf_strerror(err, words, sizeof words) != 0) return errno_text(err);
    return words;
}

Error load_error(std::string_view what, int err, const LibbpfLog& log) {
    if (err == EPERM || err == EACCES) {
        const Obstacle obstacle = why_not_permitted();
        return {ErrorKind::not_allowed, fmt::format("cannot {}: {}", what, obstacle.why), obstacle.remedy};
    }
    if (err == EMFILE)
        return {ErrorKind::failed, fmt::format("cannot {}: this process may not have so many files open", what),
                "allow some hundreds: ulimit -n 1024"};
    const std::string verifier = log.verifier_words();
    const std::string warning = verifier.empty() ? log.last_warning() : "the verifier refuses " + verifier;
    return {ErrorKind::failed,
            fmt::format("cannot {}: {}{}", what, libbpf_text(err), warning.empty() ? "" : " (" + warning + ")"),
            "see what `sockray doctor` says of this kernel"};
}

}  // namespace sockray
