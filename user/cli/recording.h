// What -w asks for, beside a session.
#pragma once

#include <memory>

#include "user/base/result.h"
#include "user/cli/session.h"
#include "user/cli/verbs.h"
#include "user/record/writer.h"

namespace sockray {

class Recording {
  public:
    // Nothing where -w was not given. Errors: the file cannot be written.
    static Result<Recording> create(const RecordOptions& options, bool json, int stop_fd);

    // Before Session::prepare(); the session must not outlive it.
    void attach(Session& session);

    // For those who need no session; nullptr where -w was not given.
    RecordingWriter* writer() { return writer_.get(); }

    // Where results go that are text: standard error, where the recording has standard output.
    int text_fd() const;
    // Recording has ended before the session: says why, once, and is true from then on.
    bool failed();
    // -G and -W: there is no more to record.
    bool is_full() const { return writer_ && writer_->is_full(); }

  private:
    std::unique_ptr<RecordingWriter> writer_;
    bool to_standard_output_ = false;
    bool said_ = false;
};

}  // namespace sockray
