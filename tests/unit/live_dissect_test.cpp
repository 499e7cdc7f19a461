#include "user/live/dissect.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace sockray {
namespace {

using Bytes = std::vector<std::uint8_t>;

const Bytes ethernet_header{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1};

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

const Bytes arp{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 9, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 2};
const Bytes udp{0x45, 0, 0, 32, 0,    1,    0, 0,  64, 17, 0, 0, 10,  9,   0,   1,
                10,   9, 0, 2,  0x13, 0x88, 0, 53, 0,  12, 0, 0, 'a', 'b', 'c', 'd'};

std::string told(const Bytes& bytes, std::uint16_t link_type = 1) {
    TapInterface interface;
    interface.link_type = link_type;
    TapFrame frame;
    frame.interface = &interface;
    frame.bytes = std::as_bytes(std::span(bytes));
    frame.length = static_cast<std::uint32_t>(bytes.size());
    return dissected(frame);
}

TEST(ACapturedFrame, IsToldByItsHeaders) {
    EXPECT_EQ(told(joined({ethernet_header, {8, 6}, arp})), "ARP who has 10.9.0.2, tell 10.9.0.1");
    EXPECT_EQ(told(joined({ethernet_header, {8, 0}, udp})), "10.9.0.1.5000 > 10.9.0.2.53: UDP, 4 bytes");
    EXPECT_EQ(told(joined({ethernet_header, {0x81, 0, 0, 7, 8, 0}, udp})),
              "vlan 7: 10.9.0.1.5000 > 10.9.0.2.53: UDP, 4 bytes");
}

TEST(ACapturedFrame, IsToldWithoutAnEthernetHeaderToo) {
    EXPECT_EQ(told(udp, 101), "10.9.0.1.5000 > 10.9.0.2.53: UDP, 4 bytes");
    Bytes cooked(20);
    cooked[0] = 8;
    EXPECT_EQ(told(joined({cooked, udp}), 276), "10.9.0.1.5000 > 10.9.0.2.53: UDP, 4 bytes");
}

TEST(ACapturedFrame, OfWhichNothingIsKnownIsNotTold) {
    EXPECT_EQ(told(joined({ethernet_header, {0x88, 0xb5, 1, 2, 3}})), "");
    EXPECT_EQ(told({}), "");
    EXPECT_EQ(told(udp, 105), "") << "a link of another kind";
}

// A recording may have blocks of 64 MiB; the stack is not made for that many headers inside of each other.
TEST(ACapturedFrame, OfHeadersThatNeverEndIsToldToADepthThatIsNoHarm) {
    for (const std::size_t tags : {std::size_t{16'000}, std::size_t{4'000'000}}) {
        Bytes frame = ethernet_header;
        for (std::size_t i = 0; i < tags; i++) frame.insert(frame.end(), {0x81, 0, 0, 7});
        EXPECT_EQ(told(frame), "");
    }
}

TEST(ACapturedFrame, CutOffOrDamagedAnywhereIsNoHarm) {
    std::mt19937 random(7);
    for (const Bytes& whole : {joined({ethernet_header, {8, 6}, arp}), joined({ethernet_header, {8, 0}, udp}),
                               joined({ethernet_header, {0x81, 0, 0, 7, 8, 0}, udp})}) {
        for (std::size_t size = 0; size <= whole.size(); size++)
            told(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
        for (int i = 0; i < 20'000; i++) {
            Bytes damaged = whole;
            for (int k = 0; k < 4; k++) damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
            damaged.resize(random() % (damaged.size() + 1));
            told(damaged);
        }
    }
}

}  // namespace
}  // namespace sockray
