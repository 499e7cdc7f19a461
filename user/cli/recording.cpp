#include "user/cli/recording.h"

#include <unistd.h>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/cli/output.h"

namespace sockray {

Result<Recording> Recording::create(const RecordOptions& options, bool json, int stop_fd) {
    Recording recording;
    if (options.write.empty()) return recording;
    recording.to_standard_output_ = options.write == "-";
    if (recording.to_standard_output_ && json) return usage("-w - and --json both want standard output");
    if (recording.to_standard_output_ && options.rotation.is_on())
        return usage("-w - is one stream: -C and -G have no files to change");
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
        const std::string what = writer_->frames()
                                     ? fmt::format("{} sends and {} frames", writer_->sends(), writer_->frames())
                                     : fmt::format("{} sends", writer_->sends());
        say(fmt::format("  the {} before it are in {}", what, printable(writer_->path())));
    }
    return true;
}

}  // namespace sockray
