// Whether a kernel preempts BPF programs, by what it says of itself.
#include "user/probe/preemption.h"

#include <gtest/gtest.h>

namespace sockray {
namespace {

TEST(Preemption, IsInTheVersionOfAKernelThatHasOneModel) {
    EXPECT_FALSE(preempts("#1 SMP Debian 6.1.158-1 (2025-11-09)", std::nullopt));
    EXPECT_TRUE(preempts("#1 SMP PREEMPT_RT Debian 6.12.57-1 (2025-11-05)", std::nullopt));
    EXPECT_TRUE(preempts("#1 SMP PREEMPT Debian 4.19.1", std::nullopt));
    EXPECT_TRUE(preempts("#1 PREEMPT_LAZY Mon Jan 1", std::nullopt));
}

TEST(Preemption, IsInDebugfsWhereTheKernelCanChangeIt) {
    constexpr const char* dynamic = "#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)";
    EXPECT_FALSE(preempts(dynamic, "(none) voluntary full"));
    EXPECT_FALSE(preempts(dynamic, "none (voluntary) full"));
    EXPECT_TRUE(preempts(dynamic, "none voluntary (full)"));
    EXPECT_TRUE(preempts(dynamic, "none voluntary full (lazy)"));
}

TEST(Preemption, IsAssumedWhereTheKernelCanChangeItAndDoesNotSay) {
    EXPECT_TRUE(preempts("#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)", std::nullopt));
    EXPECT_TRUE(preempts("#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)", ""));
}

TEST(Preemption, IsNoPartOfAnotherWord) {
    EXPECT_FALSE(preempts("#1 SMP Debian NOPREEMPT_RT", std::nullopt));
}

}  // namespace
}  // namespace sockray
