// SIGINT while a verb only begins.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

// libpcap compiles this for seconds.
std::string many_hosts() {
    std::string filter;
    for (int i = 0; i < 4000; i++)
        filter += (i ? " or host 10.9." : "host 10.9.") + std::to_string(i / 250) + "." + std::to_string(i % 250);
    return filter;
}

TEST(Interrupted, WhileTheFilterIsCompiledEndsAtOnceByTheSignalAndSaysNothing) {
    const std::string filter = many_hosts();
    for (const std::vector<std::string>& words : {std::vector<std::string>{"trace", filter},
                                                  {"trace", filter, "--", "true"},
                                                  {"top", "-b", filter},
                                                  {"run", "-i", "lo", "-c", "1", filter},
                                                  {"capture", "-i", "lo", filter},
                                                  {"capture", "-i", "any", "--no-trace", filter}})
        for (const bool background : {false, true}) {
            const auto start = std::chrono::steady_clock::now();
            const Ended ended = sockray(words, {.interrupt_ms = 300, .background = background});
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
            EXPECT_EQ(ended.status, -SIGINT) << words[0] << ": " << ended.err;
            EXPECT_LT(took.count(), 2) << words[0];
            EXPECT_EQ(ended.out + ended.err, "") << words[0];
        }
}

}  // namespace
}  // namespace sockray
