// The COMMAND that `trace -- COMMAND ARGS` runs.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "user/base/fd.h"
#include "user/base/result.h"
#include "user/cli/signals.h"

namespace sockray {

// Whether there is such a program, by PATH where the name has no slash. Errors: no such command, not executable.
Status check_command(const std::string& name);

// A child process. Its standard output goes to our standard error, so that results and its words do not mix.
class Command {
  public:
    // Starts it. Errors: what exec(2) answered.
    static Result<Command> start(const std::vector<std::string>& command, const StopSignals& signals);

    // Readable when it has ended.
    int ended_fd() const { return pidfd_.get(); }
    // Once it has ended by itself: empty, or why that was a failure: "arping ended with exit status 1".
    std::string failure();

    // Asks it to end (SIGTERM) and waits for that, but not long: one that does not listen is left alone, and said so.
    void stop();

  private:
    Command(std::string name, pid_t pid, Fd pidfd) : name_(std::move(name)), pid_(pid), pidfd_(std::move(pidfd)) {}
    std::string name_;
    pid_t pid_;
    Fd pidfd_;
};

// A descriptor that becomes readable when the process ends (pidfd_open(2)).
Result<Fd> watch_process(pid_t pid);

}  // namespace sockray
