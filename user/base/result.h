// Errors as values. Every error says what was tried, why it failed and what to do about it.
#pragma once

#include <cstring>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sockray {

// What kind of failure it is decides the process' exit status (user/cli/verbs.h).
enum class ErrorKind {
    failed,      // the run failed: exit 1
    usage,       // the command line asks for something that makes no sense: exit 2
    not_allowed  // this kernel or these privileges do not allow it: exit 3
};

struct Error {
    ErrorKind kind = ErrorKind::failed;
    std::string what;    // what was tried and why it failed, one line, no full stop
    std::string remedy;  // what to do about it, one line; empty where there is nothing to say
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(std::string what, std::string remedy = {}) {
    return tl::unexpected<Error>({ErrorKind::failed, std::move(what), std::move(remedy)});
}
inline tl::unexpected<Error> usage(std::string what, std::string remedy = {}) {
    return tl::unexpected<Error>({ErrorKind::usage, std::move(what), std::move(remedy)});
}
inline tl::unexpected<Error> not_allowed(std::string what, std::string remedy = {}) {
    return tl::unexpected<Error>({ErrorKind::not_allowed, std::move(what), std::move(remedy)});
}

// The text of an errno value (positive).
inline std::string errno_text(int err) {
    char buffer[128];
    return ::strerror_r(err, buffer, sizeof buffer);
}

}  // namespace sockray
