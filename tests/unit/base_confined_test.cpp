// What a confined parser can do, and what comes back of it.
#include "user/base/confined.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "user/base/write_all.h"

namespace sockray {
namespace {

void put(int fd, const std::string& text) {
    write_all(fd, text, text.size(), -1);
}

std::string told(const std::function<void(int)>& work) {
    const auto bytes = confined("do it", 1 << 20, work);
    EXPECT_TRUE(bytes) << bytes.error().what;
    return bytes ? std::string(bytes->begin(), bytes->end()) : "";
}

TEST(Confined, WorkSendsBackWhatItWrites) {
    EXPECT_EQ(told([](int fd) { put(fd, "result"); }), "result");
    EXPECT_EQ(told([](int fd) { put(fd, std::string(300'000, 'x')); }), std::string(300'000, 'x'));
    EXPECT_EQ(told([](int) {}), "");
}

TEST(Confined, WorkHasNoCapabilityAndIsNobody) {
    const std::string status = told([](int fd) {
        std::ifstream file("/proc/thread-self/status");
        for (std::string line; std::getline(file, line);) put(fd, line + "\n");
    });
    for (const char* line : {"CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "NoNewPrivs:\t1\n"})
        EXPECT_NE(status.find(line), std::string::npos) << status;
    if (::geteuid() == 0) {
        EXPECT_EQ(told([](int fd) { put(fd, std::to_string(::getuid())); }), "65534");
    }
}

TEST(Confined, WorkChangesNothingHere) {
    int number = 1;
    told([&](int) { number = 2; });
    EXPECT_EQ(number, 1);
}

TEST(Confined, WorkThatIsKilledIsAnError) {
    const auto bytes = confined("read it", 100, [](int fd) {
        put(fd, "half");
        ::raise(SIGKILL);
    });
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().what, "cannot read it: its reader was ended by signal 9");
}

TEST(Confined, WorkThatWritesWithoutEndIsCutShort) {
    const auto bytes = confined("read it", 1000, [](int fd) {
        ::signal(SIGPIPE, SIG_DFL);
        for (;;) put(fd, std::string(4096, 'x'));
    });
    EXPECT_FALSE(bytes);
}

}  // namespace
}  // namespace sockray
