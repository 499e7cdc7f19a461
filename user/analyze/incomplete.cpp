#include "user/analyze/incomplete.h"

#include "user/base/format.h"

namespace sockray {

std::string incomplete_words(const MissingFiles& missing) {
    std::string which;
    const auto add = [&which](const std::string& words) { which += (which.empty() ? "" : ", ") + words; };
    if (missing.before) add(fmt::format("{} before the first", missing.before));
    if (missing.between) add(fmt::format("{} between them", missing.between));
    if (missing.rest) add("those behind the last");
    return "not all files of the session are here, what is missing: " + which;
}

}  // namespace sockray
