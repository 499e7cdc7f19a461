#include "user/base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <type_traits>

namespace sockray {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

int any_fd() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static_assert(!std::is_copy_constructible_v<Fd> && !std::is_copy_assignable_v<Fd>);
static_assert(std::is_nothrow_move_constructible_v<Fd> && std::is_nothrow_move_assignable_v<Fd>);

TEST(AnFd, IsNoneByDefault) {
    const Fd none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.get(), -1);
}

TEST(AnFd, ClosesItsDescriptorWhenItEnds) {
    const int number = any_fd();
    {
        const Fd fd(number);
        EXPECT_TRUE(fd);
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(AnFd, HandsItsDescriptorOnWhenMoved) {
    Fd first(any_fd());
    const int number = first.get();
    const Fd second(std::move(first));
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): what a moved one holds is the point
    EXPECT_EQ(second.get(), number);
    EXPECT_TRUE(is_open(number));
}

TEST(AnFd, ClosesWhatItHeldWhenAnotherIsMovedIntoIt) {
    Fd target(any_fd());
    Fd source(any_fd());
    const int before = target.get();
    const int after = source.get();
    target = std::move(source);
    EXPECT_FALSE(is_open(before));
    EXPECT_TRUE(is_open(after));
    EXPECT_EQ(target.get(), after);
}

TEST(AnFd, SurvivesBeingMovedIntoItself) {
    Fd fd(any_fd());
    Fd& same = fd;
    fd = std::move(same);
    EXPECT_TRUE(fd);
    EXPECT_TRUE(is_open(fd.get()));
}

TEST(AnFd, ClosesWhatItHeldWhenReset) {
    Fd fd(any_fd());
    const int before = fd.get();
    fd.reset();
    EXPECT_FALSE(fd);
    EXPECT_FALSE(is_open(before));
    fd.reset(any_fd());
    EXPECT_TRUE(is_open(fd.get()));
}

}  // namespace
}  // namespace sockray
