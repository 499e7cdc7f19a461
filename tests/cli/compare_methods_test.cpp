// sockray compare-methods: what it refuses.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/cli/invoke.h"

namespace sockray {
namespace {

using Words = std::vector<std::string>;

Ended compared(Words words) {
    words.insert(words.begin(), {"compare-methods", "-i", "lo", "-c", "1", "--rounds", "1"});
    return sockray(words);
}

// What would have no effect is not taken as if it had.
TEST(CompareMethods, WithoutTracingTakesNoOptionOfTracing) {
    for (const Words& option : {Words{"--stages", "full"}, Words{"--in-flight", "4"}, Words{"--backend", "kprobe"},
                                Words{"--btf", "/nosuch"}, Words{"--ring", "1M"}}) {
        Words words = option;
        words.emplace_back("--no-trace");
        for (const bool first : {false, true}) {
            if (first) std::rotate(words.begin(), words.end() - 1, words.end());
            const Ended ended = compared(words);
            EXPECT_EQ(ended.status, 2) << option[0] << "\n" << ended.err;
            EXPECT_EQ(ended.out, "") << option[0];
            EXPECT_NE(ended.err.find("--no-trace"), std::string::npos) << ended.err;
            EXPECT_NE(ended.err.find(option[0]), std::string::npos) << ended.err;
        }
    }
}

}  // namespace
}  // namespace sockray
