// The signals that ask for an end, as a descriptor to wait on.
#pragma once

#include <csignal>

#include "user/base/fd.h"

namespace sockray {

// A shell starts background jobs with SIGINT ignored: from here on SIGINT and SIGTERM end the process, until there are
// StopSignals. (SIGHUP stays ignored under nohup.) For the begin of a verb, which may take minutes: libpcap compiles a
// filter of thousands of hosts, and looks at nothing meanwhile.
void end_by_signals();

// SIGINT, SIGTERM and SIGHUP are blocked while it lives, in this thread and those that it starts, and wait in the
// descriptor. One at a time.
class StopSignals {
  public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    // Readable once a signal has come.
    int fd() const { return fd_.get(); }
    // Takes the signal that waits: its number, 0 where none does.
    int take();

    // For a child between fork() and exec(): the signals as they were.
    void restore_for_child() const;

  private:
    Fd fd_;
    sigset_t before_{};
};

}  // namespace sockray
