// Interfaces and their counters; what needs devices of its own is in network namespaces made for each test.
#include "user/drive/interface.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/drive_network.h"

namespace sockray {
namespace {

using namespace driving;

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

NETNS_TEST(DriveInterface, TheQdiscsCountersAreWhatWasGivenOutRefusedAndKept) {
    NEEDS_COMMANDS(make_veth);
    const auto veth = find_interface("veth0").value();
    NEEDS_COMMANDS("tc qdisc add dev veth0 root handle 7: tbf rate 8bit burst 1600 limit 4000");
    NEEDS_COMMANDS("ip link add veth2 type veth peer name veth3 && tc qdisc add dev veth2 root pfifo limit 5");
    const auto before = read_qdisc_counters(veth);
    ASSERT_TRUE(before) << before.error().what;
    EXPECT_EQ(before->kind, "tbf");
    EXPECT_EQ(before->handle, 0x70000U);
    DriveOptions options = options_for("veth0", 8);
    set_size(options, 1000);
    Driver driver(options);
    ASSERT_TRUE(driver.start());
    EXPECT_EQ(collect(driver).size(), 8U);
    const auto after = read_qdisc_counters(veth).value();
    EXPECT_EQ(after.packets - before->packets, 1U);
    EXPECT_EQ(after.bytes - before->bytes, 1000U);
    EXPECT_EQ(after.qlen, 4U);
    EXPECT_EQ(after.drops - before->drops, 3U);
    EXPECT_EQ(read_qdisc_counters(find_interface("veth2").value()).value().kind, "pfifo");
    EXPECT_FALSE(read_qdisc_counters(Interface{.name = "gone", .ifindex = 4711}));
}

NETNS_TEST(DriveInterface, TheCountersOfAllDevicesAreThoseOfEachAlone) {
    NEEDS_COMMANDS(make_veth);
    NEEDS_COMMANDS("tc qdisc add dev veth0 root handle 7: pfifo limit 10");
    const auto all = read_all_counters();
    ASSERT_TRUE(all) << all.error().what;
    std::size_t found = 0;
    for (const DeviceReading& one : *all) {
        const auto alone = find_interface(one.interface.name);
        ASSERT_TRUE(alone) << alone.error().what;
        EXPECT_EQ(one.interface.ifindex, alone->ifindex);
        EXPECT_EQ(one.interface.netns_ino, alone->netns_ino);
        EXPECT_EQ(one.counters.tx_queues, read_counters(*alone).value().tx_queues);
        if (one.interface.name != "veth0") continue;
        found++;
        ASSERT_TRUE(one.qdisc);
        EXPECT_EQ(one.qdisc->kind, "pfifo");
        EXPECT_EQ(one.qdisc->handle, 0x70000U);
    }
    EXPECT_EQ(found, 1U);
}

NETNS_TEST(DriveInterface, ThatHasNoIPv6IsKnown) {
    const std::string sysctl = "/proc/sys/net/ipv6/conf/veth0/disable_ipv6";
    NEEDS_COMMANDS(make_veth);
    if (::access(sysctl.c_str(), F_OK) != 0) GTEST_SKIP() << "this kernel has no IPv6";
    const auto veth = find_interface("veth0").value();
    NEEDS_COMMANDS(("echo 0 > " + sysctl).c_str());
    EXPECT_TRUE(read_counters(veth).value().ipv6);
    NEEDS_COMMANDS(("echo 1 > " + sysctl).c_str());
    EXPECT_FALSE(read_counters(veth).value().ipv6);
}

NETNS_TEST(DriveInterface, AnInterfaceIsFoundInTheNamespaceOfTheThread) {
    const auto missing = find_interface("foo");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().what, "no interface 'foo' here; there are: lo");
    const auto lo = find_interface("lo").value();
    EXPECT_TRUE(check_usable(lo));
    NEEDS_COMMANDS("ip link add veth0 address 02:00:00:00:00:77 mtu 1400 type veth peer name veth1");
    const auto veth = find_interface("veth0").value();
    EXPECT_EQ(veth.mtu, 1400U);
    EXPECT_EQ(veth.address, (std::array<std::uint8_t, 6>{2, 0, 0, 0, 0, 0x77}));
    EXPECT_EQ(veth.netns_ino, lo.netns_ino);
    EXPECT_FALSE(check_usable(veth));
}

}  // namespace
}  // namespace sockray
