#include "user/report/untraced.h"

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/base/words.h"

namespace sockray {

Error no_sends_traced(std::string_view file, std::uint64_t frames) {
    return {
        ErrorKind::failed,
        fmt::format("{} has {} and no sends: none was traced (capture --no-trace, or tracing was not "
                    "possible there)",
                    printable(file), count_of(frames, "captured frame")),
        "sockray report shows what was captured (--lines: each frame, --json); for sends, their stages and findings "
        "record with tracing: sockray capture -i IF -w FILE without --no-trace (sockray doctor says what stands in "
        "its way)"};
}

}  // namespace sockray
