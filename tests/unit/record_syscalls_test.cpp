#include "user/record/syscalls.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

namespace sockray {
namespace {

TEST(ASystemCall, OfAnotherArchitectureGetsTheNumberThatItHasHere) {
    EXPECT_EQ(own_syscall(66, "aarch64"), SYS_writev);
    EXPECT_EQ(own_syscall(71, "aarch64"), SYS_sendfile);
    EXPECT_EQ(own_syscall(206, "aarch64"), SYS_sendto);
    EXPECT_EQ(own_syscall(20, "x86_64"), SYS_writev);
    EXPECT_EQ(own_syscall(44, "x86_64"), SYS_sendto);
}

TEST(ASystemCall, OfThisArchitectureKeepsItsNumber) {
    for (const std::string_view machine : {"x86_64", "aarch64"}) {
        EXPECT_EQ(own_syscall(own_syscall(SYS_sendmsg, machine), machine), own_syscall(SYS_sendmsg, machine));
        EXPECT_EQ(has_own_syscalls(machine), own_syscall(SYS_write, machine) == SYS_write);
    }
}

TEST(ASystemCall, ThatIsNotKnownOrOfAnUnknownMachineHasNoNumber) {
    EXPECT_EQ(own_syscall(1, "riscv64"), -1);
    EXPECT_EQ(own_syscall(44, ""), -1);
    EXPECT_FALSE(has_own_syscalls("riscv64"));
}

}  // namespace
}  // namespace sockray
