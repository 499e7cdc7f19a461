#include "user/cli/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace sockray {

void end_by_signals() {
    for (const int number : {SIGINT, SIGTERM}) ::signal(number, SIG_DFL);
}

StopSignals::StopSignals() {
    sigset_t stop;
    ::sigemptyset(&stop);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&stop, number);
    end_by_signals();  // one that is ignored never reaches the descriptor
    ::pthread_sigmask(SIG_BLOCK, &stop, &before_);
    fd_ = Fd(::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
}

StopSignals::~StopSignals() {
    while (take() != 0) {  // a second Ctrl-C must not take the place of the exit status
    }
    restore_for_child();
}

int StopSignals::take() {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

void StopSignals::restore_for_child() const {
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace sockray
