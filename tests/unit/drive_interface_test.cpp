// What needs no privileges; network namespaces are in drive_driver_test.cpp.
#include "user/drive/interface.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/stat.h>

namespace sockray {
namespace {

Error error_of(std::string_view name) {
    const auto interface = find_interface(name);
    EXPECT_FALSE(interface);
    return interface ? Error{} : interface.error();
}

TEST(DriveInterface, FindsLoopback) {
    const auto lo = find_interface("lo");
    if (!lo) GTEST_SKIP() << "this network namespace has no lo: " << lo.error().what;
    EXPECT_EQ(lo->name, "lo");
    EXPECT_EQ(lo->ifindex, static_cast<int>(::if_nametoindex("lo")));
    EXPECT_EQ(lo->type, ARPHRD_LOOPBACK);
    EXPECT_EQ(lo->hard_header_len, 14);
    EXPECT_GE(lo->mtu, 1500U);
    EXPECT_TRUE(lo->flags & IFF_LOOPBACK);
    EXPECT_EQ(lo->address, (std::array<std::uint8_t, 6>{}));
    struct stat netns {};
    ASSERT_EQ(::stat("/proc/self/ns/net", &netns), 0);
    EXPECT_EQ(lo->netns_ino, netns.st_ino);
}

TEST(DriveInterface, NamesThatNoInterfaceCanHaveAreUsageErrors) {
    using namespace std::string_view_literals;
    for (const auto name :
         {""sv, "."sv, ".."sv, "a b"sv, "../lo"sv, "lo\n"sv, "lo\0"sv, "eth0:1"sv, "exactly16bytes__"sv})
        EXPECT_EQ(error_of(name).kind, ErrorKind::usage) << printable_name(name);
}

TEST(DriveInterface, AHostileNameIsNotEchoedRaw) {
    for (const char* name : {"\x1b[2Jx", "\x1b[2J \x07 far too long for a name \xff"}) {
        const std::string what = error_of(name).what;
        EXPECT_EQ(what.find('\x1b'), std::string::npos);
        EXPECT_EQ(what.find('\x07'), std::string::npos);
        EXPECT_EQ(what.find('\xff'), std::string::npos);
        EXPECT_NE(what.find("\\x1b[2J"), std::string::npos) << what;
    }
    EXPECT_LT(error_of(std::string(100'000, 'x')).what.size(), 300U);
}

TEST(DriveInterface, AnUnknownOneIsAnErrorThatNamesWhatThereIs) {
    const Error error = error_of("nosuchif0");
    EXPECT_EQ(error.kind, ErrorKind::failed);
    EXPECT_EQ(error.what.rfind("no interface 'nosuchif0' here; there are: ", 0), 0U) << error.what;
}

TEST(DriveInterface, OneThatIsDownIsNotUsableAndTheRemedyIsACommand) {
    Interface interface;
    interface.name = "veth0";
    const Status status = check_usable(interface);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().what, "veth0 is down");
    EXPECT_EQ(status.error().remedy, "bring it up with: ip link set veth0 up");
    interface.flags = IFF_UP;
    EXPECT_TRUE(check_usable(interface));
}

}  // namespace
}  // namespace sockray
