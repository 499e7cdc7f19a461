// packet_churn SECONDS REPORT: opens and closes packet sockets for so long, or until SIGTERM. Writes to the file REPORT
// how many it opened. Sends nothing.
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {
volatile std::sig_atomic_t ended = 0;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: packet_churn SECONDS REPORT\n");
        return 2;
    }
    std::signal(SIGTERM, [](int) { ended = 1; });
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::atof(argv[1]));
    unsigned long opened = 0;
    while (!ended && std::chrono::steady_clock::now() < end) {
        const int fd = ::socket(AF_PACKET, SOCK_RAW, 0);
        if (fd < 0) {
            std::perror("packet_churn: socket");
            return 1;
        }
        opened++;
        ::close(fd);
    }
    std::FILE* report = std::fopen(argv[2], "w");
    if (!report) {
        std::perror(argv[2]);
        return 1;
    }
    std::fprintf(report, "%lu\n", opened);
    return std::fclose(report) == 0 ? 0 : 1;
}
