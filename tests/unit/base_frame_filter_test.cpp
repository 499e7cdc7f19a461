// Expressions become programs, and the kernel side's interpreter says of every frame what libpcap says.
#include "user/base/frame_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/classic_machine.h"

namespace sockray {
namespace {

constexpr int ethernet = 1;  // DLT_EN10MB
constexpr int raw_ip = 12;   // DLT_RAW

using Bytes = std::vector<std::uint8_t>;

// Expressions of pcap-filter(7), all numeric.
constexpr const char* expressions[] = {
    "arp",
    "ip",
    "ip6",
    "udp",
    "tcp port 80",
    "udp port 53",
    "udp dst port 5000",
    "portrange 5000-5010",
    "host 198.51.100.7",
    "src net 198.51.100.0/24 and not dst port 53",
    "ether host 02:00:00:00:00:01",
    "ether broadcast",
    "ether proto 0x88b5",
    "vlan",
    "vlan 7 and udp",
    "vlan 7 and vlan 9",
    "icmp[icmptype] = icmp-echo",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "ip[8] < 5",
    "ip[2:2] > 100",
    "ether[12:4] = 0x08004500",
    "ether[0] & 1 != 0",
    "len > 100",
    "less 60",
    "greater 1000",
    "not ip",
    "ip6 and udp port 53",
    "ip6 protochain 17",
    "ip multicast or arp",
    "(tcp or udp) and (port 53 or port 5000)",
    "ip proto 17 and ip[6:2] & 0x1fff = 0",
    "udp[8:4] % 3 = 1",
    "(ip[0] & 0xf) * 4 = 20",
    "ether[100] = 0 or len = 60",
    "mpls",
    "pppoes",
    "llc",
};

struct Udp {
    std::vector<std::uint16_t> vlans;
    std::uint16_t port = 5000;
    std::uint8_t header_words = 5;
};

void put16(Bytes& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

Bytes udp_frame(const Udp& udp, std::size_t size) {
    Bytes frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    for (const std::uint16_t vlan : udp.vlans) {
        put16(frame, 0x8100);
        put16(frame, vlan);
    }
    put16(frame, 0x0800);
    const std::size_t header = frame.size();
    frame.insert(frame.end(), {static_cast<std::uint8_t>(0x40 | udp.header_words),
                               0,
                               0,
                               60,
                               0,
                               1,
                               0,
                               0,
                               64,
                               17,
                               0,
                               0,
                               198,
                               51,
                               100,
                               1,
                               198,
                               51,
                               100,
                               7});
    frame.resize(header + std::size_t{udp.header_words} * 4);
    put16(frame, 1234);
    put16(frame, udp.port);
    frame.resize(std::max(size, frame.size()), 0x5a);
    return frame;
}

std::vector<Bytes> frames() {
    std::vector<Bytes> all{{}, {1}};
    for (const std::uint16_t port : {53, 80, 5000, 5005})
        for (const std::size_t size : {42, 60, 100, 1514}) all.push_back(udp_frame({{}, port}, size));
    all.push_back(udp_frame({{7}}, 64));
    all.push_back(udp_frame({{7, 9}}, 64));
    all.push_back(udp_frame({{}, 53, 8}, 80));
    Bytes arp{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    arp.resize(60);
    all.push_back(arp);
    Bytes own{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
    own.resize(60);
    all.push_back(own);
    Bytes ip6{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 17, 64};
    ip6.resize(80);
    all.push_back(ip6);
    return all;
}

std::uint32_t random_number(std::mt19937& generator) {
    return static_cast<std::uint32_t>(generator());
}

// ---- the interpreter

TEST(TheInterpreter, SaysOfEveryFrameWhatLibpcapSays) {
    for (const char* expression : expressions) {
        const auto program = compile_filter(expression, ethernet, 262144);
        ASSERT_TRUE(program) << program.error().what;
        for (const Bytes& frame : frames())
            EXPECT_EQ(run_classic(*program, {frame, frame.size()}), run_libpcap(*program, frame))
                << expression << ", " << frame.size() << " bytes";
    }
}

TEST(TheInterpreter, SaysTheSameOfFramesThatAreCutShort) {
    for (const char* expression : expressions) {
        const auto program = compile_filter(expression, ethernet, 262144);
        ASSERT_TRUE(program);
        for (Bytes frame = udp_frame({{7}, 53}, 64); !frame.empty(); frame.pop_back())
            ASSERT_EQ(run_classic(*program, {frame, frame.size()}), run_libpcap(*program, frame))
                << expression << ", " << frame.size() << " bytes";
    }
}

TEST(TheInterpreter, SaysTheSameWhereverAFrameIsSplit) {
    for (const char* expression : expressions) {
        const auto program = compile_filter(expression, ethernet, 262144);
        ASSERT_TRUE(program);
        const Bytes frame = udp_frame({{7}, 53}, 64);
        for (std::size_t head = 0; head <= frame.size(); head++)
            ASSERT_EQ(run_classic(*program, {frame, head}), run_libpcap(*program, frame)) << expression << ", " << head;
    }
}

TEST(TheInterpreter, SaysThatItCouldNotReadAndNeverThatAFrameDoesNotMatch) {
    for (const char* expression : expressions) {
        const auto program = compile_filter(expression, ethernet, 262144);
        ASSERT_TRUE(program);
        const Bytes frame = udp_frame({{}, 5000}, 5000);
        for (std::size_t head = 0; head <= 64; head++) {
            const auto said = run_classic(*program, {frame, head, false});
            if (!said) continue;
            EXPECT_EQ(*said, run_libpcap(*program, frame)) << expression << ", " << head;
        }
        EXPECT_TRUE(run_classic(*program, {frame, frame.size(), false})) << expression;
    }
}

TEST(TheInterpreter, TakesAHeaderFromOnePlaceAndAPayloadFromAnother) {
    const auto program = compile_filter("ether[12:4] = 0x08004500", ethernet, 1);
    ASSERT_TRUE(program);
    EXPECT_EQ(run_classic(*program, {udp_frame({}, 60), 14}), 1U);
    EXPECT_EQ(run_classic(*program, {udp_frame({}, 60), 14, false}), std::nullopt);
}

TEST(TheInterpreter, SaysOfRandomProgramsWhatLibpcapSays) {
    std::mt19937 generator(4);
    const auto next = [&] { return random_number(generator); };
    std::size_t matched = 0;
    for (int i = 0; i < 20000; i++) {
        const FilterProgram program = random_program(next, 1 + next() % 40);
        Bytes frame(next() % 120);
        for (std::uint8_t& byte : frame) byte = static_cast<std::uint8_t>(next());
        const std::size_t head = frame.empty() ? 0 : next() % (frame.size() + 1);
        const std::uint32_t expected = run_libpcap(program, frame);
        ASSERT_EQ(run_classic(program, {frame, head}), expected) << "program " << i;
        const auto blind = run_classic(program, {frame, head, false});
        ASSERT_EQ(blind.value_or(expected), expected) << "program " << i;
        matched += expected != 0;
    }
    EXPECT_GT(matched, 2000U);
    EXPECT_LT(matched, 18000U);
}

// ---- expressions

TEST(AnExpression, ThatIsEmptyMatchesEveryFrame) {
    const auto program = compile_filter("", ethernet, 96);
    ASSERT_TRUE(program);
    for (const Bytes& frame : frames()) EXPECT_EQ(run_classic(*program, {frame, frame.size()}), 96U);
}

TEST(AnExpression, ReturnsTheSnaplenForAMatch) {
    const auto program = compile_filter("arp or ip", ethernet, 128);
    ASSERT_TRUE(program);
    EXPECT_EQ(run_libpcap(*program, udp_frame({}, 60)), 128U);
}

TEST(AnExpression, FindsAVlanTagInTheBytesOfTheFrameAlone) {
    const auto program = compile_filter("vlan 7", ethernet, 1);
    ASSERT_TRUE(program);
    constexpr std::uint32_t ancillary = 0xfffff000;  // SKF_AD_OFF: bytes that are no bytes of the frame
    for (const sr_instruction& one : *program) EXPECT_LT(one.k, ancillary);
    EXPECT_EQ(run_libpcap(*program, udp_frame({{7}}, 64)), 1U);
    EXPECT_EQ(run_libpcap(*program, udp_frame({{8}}, 64)), 0U);
}

TEST(AnExpression, OfALinkWithoutAHeaderBeginsWithTheIpHeader) {
    const auto program = compile_filter("udp dst port 5000", raw_ip, 1);
    ASSERT_TRUE(program);
    Bytes frame = udp_frame({}, 60);
    frame.erase(frame.begin(), frame.begin() + 14);
    EXPECT_EQ(run_classic(*program, {frame, frame.size()}), 1U);
}

void expect_refused(const std::string& expression, const std::string& words) {
    const auto program = compile_filter(expression, ethernet, 1);
    ASSERT_FALSE(program) << expression;
    EXPECT_EQ(program.error().kind, ErrorKind::usage);
    EXPECT_NE(program.error().what.find(words), std::string::npos) << program.error().what;
    EXPECT_FALSE(program.error().remedy.empty());
}

TEST(AnExpression, ThatLibpcapDoesNotUnderstandIsRefusedWithItsWords) {
    expect_refused("udp prot 53", "syntax error");
    expect_refused("port 99999", "99999");
    expect_refused("arp and tcp", "rejects all packets");
}

TEST(AnExpression, ThatAsksForWhatOnlyTheKernelKnowsOfAFrameIsRefused) {
    expect_refused("ifindex 3", "not in the frame's bytes");
}

TEST(AnExpression, ForADirectionHoldsForAllThatIsSentOrForNone) {
    const Bytes frame = udp_frame({}, 60);
    const auto says = [&](const std::string& expression) {
        const auto program = compile_filter(expression, ethernet, 1);
        EXPECT_TRUE(program) << expression;
        return program ? run_classic(*program, {frame, frame.size()}).value_or(0) : 0;
    };
    EXPECT_EQ(says("outbound"), 1U);
    EXPECT_EQ(says("inbound"), 0U);
    EXPECT_EQ(says("udp and outbound"), 1U);
    EXPECT_EQ(says("arp and outbound"), 0U);
    EXPECT_EQ(says("not inbound"), 1U);
}

TEST(AnExpression, IsShownInItsRefusalWithoutWhatATerminalWouldObey) {
    const auto program = compile_filter("udp \x1b[31m\n", ethernet, 1);
    ASSERT_FALSE(program);
    EXPECT_EQ(program.error().what.find('\x1b'), std::string::npos);
    EXPECT_EQ(program.error().what.find('\n'), std::string::npos);
    EXPECT_LT(compile_filter(std::string(100'000, '('), ethernet, 1).error().what.size(), 600U);
    expect_refused(std::string("udp\0tcp", 7), "zero byte");
}

TEST(AnExpression, WithTheNameOfAHostIsNotAskedOfTheNetwork) {
    expect_refused("host no-such-host.invalid", "unknown host");
    const auto program = compile_filter("host no-such-host.invalid", ethernet, 1);
    EXPECT_NE(program.error().remedy.find("never by DNS"), std::string::npos);
}

TEST(AnExpression, ThatIsLongerThanTheKernelTakesIsRefused) {
    std::string text = "ether[0:4] = 0";
    for (int i = 1; i < 1500; i++) text += " or ether[" + std::to_string(i % 1400) + ":4] = " + std::to_string(i);
    const auto program = compile_filter(text, ethernet, 1);
    ASSERT_FALSE(program);
    EXPECT_NE(program.error().what.find("at most"), std::string::npos) << program.error().what;
}

// ---- the filter of all links

TEST(AFrameFilter, HasAProgramForEachKindOfLink) {
    const auto filter = make_frame_filter("udp port 53");
    ASSERT_TRUE(filter);
    EXPECT_FALSE(filter->ethernet.empty());
    EXPECT_FALSE(filter->ip.empty());
}

TEST(AFrameFilter, OfWhatOnlyEthernetHasMatchesNothingElsewhere) {
    const auto filter = make_frame_filter("ether host 02:00:00:00:00:01");
    ASSERT_TRUE(filter);
    EXPECT_FALSE(filter->ethernet.empty());
    EXPECT_TRUE(filter->ip.empty());
}

TEST(AFrameFilter, OfNothingIsNone) {
    const auto filter = make_frame_filter("");
    ASSERT_TRUE(filter);
    EXPECT_TRUE(filter->expression.empty());
    EXPECT_TRUE(filter->ethernet.empty());
}

}  // namespace
}  // namespace sockray
