// pcap-filter(7) expressions as programs for the kernel. What needs an interface is skipped without the privileges.
#include "user/capture/expression.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

#include <cstdlib>
#include <cstring>

#include "tests/unit/capture_network.h"
#include "user/base/fd.h"

namespace sockray {
namespace {

constexpr LinkType ethernet{linktype_ethernet, false};

TEST(CaptureExpression, AnEmptyOneIsNoFilterAndNeedsNoInterface) {
    const auto program = compile_expression("", "sockraynosuch", ethernet);
    ASSERT_TRUE(program);
    EXPECT_TRUE(program->empty());
}

TEST(CaptureExpression, OneThatIsWrongIsWrongUsageBeforeAnyInterfaceIsLookedAt) {
    const std::string long_one(5000, 'x');
    for (const std::string& expression :
         {std::string("udp prot 5"), std::string("("), std::string("\x1b[31m"), std::string("udp\0", 4), long_one,
          std::string("host no.such.host.invalid")}) {
        const auto program = compile_expression(expression, "sockraynosuch", ethernet);
        ASSERT_FALSE(program) << expression;
        EXPECT_EQ(program.error().kind, ErrorKind::usage) << program.error().what;
        EXPECT_LT(program.error().what.size(), 600U);
        EXPECT_EQ(program.error().what.find('\x1b'), std::string::npos);
    }
}

TEST(CaptureExpression, OfAnInterfaceThatIsNotThereFails) {
    const auto program = compile_expression("arp", "sockraynosuch", ethernet);
    ASSERT_FALSE(program);
    EXPECT_NE(program.error().kind, ErrorKind::usage) << program.error().what;
}

VETH_TEST(CaptureExpression, SelectsInTheKernel) {
    CaptureOptions options = capture_on("veth1");
    auto program = compile_expression("ether proto 0x88b6", "veth1", ethernet);
    ASSERT_TRUE(program) << program.error().what;
    options.filter = std::move(*program);
    auto receiver = Receiver::open(options);
    ASSERT_TRUE(receiver) << receiver.error().what;
    send_frames("veth0", {numbered_frame(1), numbered_frame(2, 60, 0x88b6), numbered_frame(3)});
    KeepingSink sink;
    const auto counts = receiver->finish(sink);
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->seen, 1U);
    ASSERT_EQ(sink.frames.size(), 1U);
    EXPECT_EQ(sink.frames[0].bytes[14], 2);
}

// The kernel takes the tag out of a frame that it receives, before a filter sees it.
VETH_TEST(CaptureExpression, FindsVlanTagsWhereTheKernelKeepsThem) {
    CaptureOptions options = capture_on("veth1");
    auto program = compile_expression("vlan 5", "veth1", ethernet);
    ASSERT_TRUE(program) << program.error().what;
    options.filter = std::move(*program);
    auto receiver = Receiver::open(options);
    ASSERT_TRUE(receiver) << receiver.error().what;
    std::vector<std::uint8_t> tagged = numbered_frame(0, 64, 0x8100);
    tagged[14] = 0;
    tagged[15] = 5;
    tagged[16] = 0x88;
    tagged[17] = 0xb5;
    std::vector<std::uint8_t> other = tagged;
    other[15] = 6;
    send_frames("veth0", {numbered_frame(1), tagged, other});
    KeepingSink sink;
    ASSERT_TRUE(receiver->finish(sink));
    ASSERT_EQ(sink.frames.size(), 1U);
    EXPECT_EQ(sink.frames[0].bytes, tagged);
}

VETH_TEST(CaptureExpression, OnAnyInterfaceIsCompiledForItsCookedHeader) {
    for (const char* expression : {"arp", "inbound", "ether proto 0x88b5"}) {
        const auto program = compile_expression(expression, "any", LinkType{});
        ASSERT_TRUE(program) << program.error().what;
        CaptureOptions options = capture_on("veth1");
        options.ifindex = 0;
        options.filter = *program;
        const auto receiver = Receiver::open(options);
        EXPECT_TRUE(receiver) << expression << ": " << receiver.error().what;
    }
}

// A device of another type than the kernel's tests have: TUNSETLINK makes one of any.
VETH_TEST(CaptureExpression, OnADeviceOfAnyTypeIsCompiledForWhatIsCapturedOnIt) {
    const Fd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request{};
    std::strcpy(request.ifr_name, "tun0");
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (!tun || ::ioctl(tun.get(), TUNSETIFF, &request) != 0) return;  // this kernel has no such devices
    for (const std::uint16_t type : {ARPHRD_NONE, ARPHRD_PPP, ARPHRD_TUNNEL6, ARPHRD_IPGRE, 519 /* ARPHRD_RAWIP */,
                                     ARPHRD_SIT, ARPHRD_IEEE802154, 60000}) {
        ASSERT_EQ(std::system("ip link set tun0 down"), 0);
        ASSERT_EQ(::ioctl(tun.get(), TUNSETLINK, type), 0) << type;
        ASSERT_EQ(std::system("ip link set tun0 up"), 0);
        CaptureOptions options = capture_on("tun0");
        const auto link = link_type_of_interface(options.ifindex);
        ASSERT_TRUE(link) << link.error().what;
        EXPECT_EQ(link->linktype, link_type_of(type).linktype) << type;
        if (type == ARPHRD_IEEE802154) continue;  // libpcap looks at nothing of these
        const auto program = compile_expression("ip6 or icmp", "tun0", *link);
        ASSERT_TRUE(program) << type << ": " << program.error().what;
        options.filter = *program;
        const auto receiver = Receiver::open(options);
        EXPECT_TRUE(receiver) << type << ": " << receiver.error().what;
    }
}

}  // namespace
}  // namespace sockray
