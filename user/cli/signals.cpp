#include "user/cli/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace sockray {

StopSignals::StopSignals() {
    sigset_t stop;
    ::sigemptyset(&stop);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&stop, number);
    ::pthread_sigmask(SIG_BLOCK, &stop, &before_);
    fd_ = Fd(::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &pipe_before_);
}

StopSignals::~StopSignals() {
    restore_for_child();
}

int StopSignals::take() {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

void StopSignals::restore_for_child() const {
    ::sigaction(SIGPIPE, &pipe_before_, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

}  // namespace sockray
