// A network namespace by its name, its file or a process in it.
#include "user/base/netns.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace sockray {
namespace {

std::uint32_t own_netns() {
    struct stat status {};
    EXPECT_EQ(::stat("/proc/self/ns/net", &status), 0);
    return static_cast<std::uint32_t>(status.st_ino);
}

TEST(ANetworkNamespace, IsFoundByItsFile) {
    const auto found = find_netns("/proc/self/ns/net");
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(*found, own_netns());
}

TEST(ANetworkNamespace, OfTheCallingThreadIsItsOwn) {
    EXPECT_EQ(current_netns(), own_netns());
}

TEST(ANetworkNamespace, IsFoundByAProcessInIt) {
    const auto found = find_netns(std::to_string(::getpid()));
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(*found, own_netns());
}

TEST(ANetworkNamespace, IsFoundByItsInode) {
    EXPECT_EQ(find_netns("4026531840"), 4026531840U);
    EXPECT_EQ(find_netns("net:[4026532001]"), 4026532001U);
    EXPECT_EQ(find_netns("4294967295"), 4294967295U);
}

void expect_refused(const std::string& text) {
    const auto found = find_netns(text);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().kind, ErrorKind::usage);
    EXPECT_EQ(found.error().what.find('\x1b'), std::string::npos);
}

TEST(ANetworkNamespace, IsEnteredByAnythingButItsInode) {
    const auto by_inode = enter_netns("4026531840");
    ASSERT_FALSE(by_inode);
    EXPECT_EQ(by_inode.error().kind, ErrorKind::usage);
    const auto none = enter_netns("/dev/null");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::usage);
    const auto own = enter_netns("/proc/self/ns/net");
    EXPECT_TRUE(own || own.error().kind == ErrorKind::not_allowed);
}

TEST(ANetworkNamespace, ThatCannotBeEnteredHasNoWorkDoneWithin) {
    bool ran = false;
    const auto within = within_netns("no-such-namespace", [&] { ran = true; });
    ASSERT_FALSE(within);
    EXPECT_EQ(within.error().kind, ErrorKind::usage);
    EXPECT_FALSE(ran);
    EXPECT_EQ(within_netns("/proc/self/ns/net", [&] { ran = true; }).has_value(), ran);
    EXPECT_EQ(current_netns(), own_netns());
}

TEST(ANetworkNamespace, ThatIsNoneIsRefused) {
    expect_refused("no-such-namespace");
    expect_refused("4026531839");
    expect_refused("4294967296");
    expect_refused("net:[4026531840");
    expect_refused("net:[71]");
    expect_refused("/proc/self/ns/uts");
    expect_refused("/dev/null");
    expect_refused("/");
    expect_refused("");
    expect_refused("\x1b[31m");
    expect_refused(std::string(10'000, 'x'));
}

}  // namespace
}  // namespace sockray
