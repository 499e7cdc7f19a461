#include "user/base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace sockray {
namespace {

TEST(AResult, HoldsAValueOrAnErrorThatSaysWhatAndWhatToDo) {
    const Result<int> good = 3;
    ASSERT_TRUE(good);
    EXPECT_EQ(*good, 3);
    const Result<int> bad = fail("cannot count", "use fingers");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().kind, ErrorKind::failed);
    EXPECT_EQ(bad.error().what, "cannot count");
    EXPECT_EQ(bad.error().remedy, "use fingers");
}

TEST(AStatus, IsGoodByDefault) {
    EXPECT_TRUE(Status{});
}

TEST(AnError, KnowsWhoseFaultItIs) {
    EXPECT_EQ(Status(fail("x")).error().kind, ErrorKind::failed);
    EXPECT_EQ(Status(usage("x")).error().kind, ErrorKind::usage);
    EXPECT_EQ(Status(not_allowed("x")).error().kind, ErrorKind::not_allowed);
    EXPECT_EQ(Status(not_allowed("x")).error().remedy, "");
}

TEST(AnErrno, HasAText) {
    EXPECT_EQ(errno_text(ENOENT), "No such file or directory");
    EXPECT_FALSE(errno_text(512).empty());
    EXPECT_FALSE(errno_text(-1).empty());
}

}  // namespace
}  // namespace sockray
