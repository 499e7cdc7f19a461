#include "user/cli/recording.h"

#include <unistd.h>

#include "user/base/format.h"
#include "user/base/same_file.h"
#include "user/base/terminal.h"
#include "user/base/words.h"
#include "user/cli/output.h"

namespace sockray {
namespace {

std::string what_is_kept(const RecordingWriter& writer) {
    const Recorded kept = writer.recorded();
    if (kept.sends + kept.frames == 0) return "nothing of it is left";
    std::string where = writer.is_gone() ? "" : printable(writer.path());
    if (const std::uint32_t before = kept.files - (writer.is_gone() ? 0 : 1))
        where += fmt::format("{}the {} before it", where.empty() ? "" : " and ", count_of(before, "file"));
    std::string what = kept.sends ? count_of(kept.sends, "send") : "";
    if (kept.sends && kept.frames) what += " and ";
    if (kept.frames) what += count_of(kept.frames, kept.sends ? "other frame" : "frame");
    return fmt::format("in {} {} {}", where, kept.sends + kept.frames == 1 ? "is" : "are", what);
}

}  // namespace

Result<Recording> Recording::create(const RecordOptions& options, bool json, int stop_fd) {
    Recording recording;
    if (options.write.empty()) return recording;
    recording.to_standard_output_ = options.write == "-";
    if (recording.to_standard_output_ && json) return usage("-w - and --json both want standard output");
    if (recording.to_standard_output_ && options.rotation.is_on())
        return usage("-w - is one stream: -C and -G have no files to change");
    if (!recording.to_standard_output_ && is_same_file(options.write, STDOUT_FILENO))
        return usage(fmt::format("-w and standard output both go to {}: one would overwrite the other",
                                 printable(options.write)));
    auto writer = RecordingWriter::create(
        {options.write, is_compressed_name(options.write), options.rotation, options.snaplen, stop_fd});
    if (!writer) return tl::unexpected(writer.error());
    recording.writer_ = std::move(*writer);
    return recording;
}

void Recording::attach(Session& session) {
    if (writer_) session.add_sink(*writer_);
}

int Recording::text_fd() const {
    return to_standard_output_ ? STDERR_FILENO : STDOUT_FILENO;
}

bool Recording::failed() {
    if (!writer_ || !writer_->error()) return false;
    if (!said_) {
        said_ = true;
        say(fmt::format("recording has ended: {}", writer_->error()->what));
        say("  " + what_is_kept(*writer_));
    }
    return true;
}

}  // namespace sockray
