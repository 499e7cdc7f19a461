#include "user/drive/frame.h"

#include <gtest/gtest.h>

#include <cstring>

namespace sockray {
namespace {

Interface some_interface() {
    Interface interface;
    interface.address = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
    return interface;
}

std::uint64_t word_at(const std::vector<std::uint8_t>& frame, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, frame.data() + offset, sizeof word);
    return word;
}

TEST(DriveFrame, BeginsWithAnEthernetHeaderFromTheInterface) {
    const auto frame = build_frame(some_interface(), 60, 1);
    const std::vector<std::uint8_t> header(frame.begin(), frame.begin() + 14);
    EXPECT_EQ(header, (std::vector<std::uint8_t>{0x02, 's', 'o', 'c', 'k', 'r', 0x02, 0x11, 0x22, 0x33, 0x44,
                                                 0x55, 0x88, 0xb5}));
}

TEST(DriveFrame, CarriesMagicAndNumberWhereTheKernelSideReadsThem) {
    auto frame = build_frame(some_interface(), 60, 0x1122334455667788);
    EXPECT_EQ(word_at(frame, cookie_offset), 0x1122334455667788U);
    EXPECT_EQ(word_at(frame, cookie_offset + 8), 0U);
    set_number(frame, 0xfedcba9876543210);
    EXPECT_EQ(word_at(frame, cookie_offset), 0x1122334455667788U);
    EXPECT_EQ(word_at(frame, cookie_offset + 8), 0xfedcba9876543210U);
}

TEST(DriveFrame, IsFilledWithTheLowBytesOfTheOffsets) {
    const auto frame = build_frame(some_interface(), 300, 1);
    ASSERT_EQ(frame.size(), 300U);
    for (std::size_t offset = min_frame_size; offset < frame.size(); ++offset)
        ASSERT_EQ(frame[offset], offset & 0xff) << "at " << offset;
}

TEST(DriveFrame, OfTheLeastSizeHoldsTheWholeCookie) {
    auto frame = build_frame(some_interface(), min_frame_size, 7);
    set_number(frame, 9);
    EXPECT_EQ(word_at(frame, 14), 7U);
    EXPECT_EQ(word_at(frame, 22), 9U);
}

TEST(DriveFrame, SizeIsBoundedByTheCookieAndByWhatASocketTakes) {
    EXPECT_FALSE(check_frame_size(0));
    EXPECT_FALSE(check_frame_size(29));
    EXPECT_TRUE(check_frame_size(30));
    EXPECT_TRUE(check_frame_size(1515)) << "over an MTU is the kernel's to refuse";
    EXPECT_TRUE(check_frame_size(65549));
    EXPECT_FALSE(check_frame_size(65550));
    EXPECT_FALSE(check_frame_size(UINT64_MAX));
}

TEST(DriveFrame, TooShortIsAUsageErrorThatSaysWhatTheBytesAreFor) {
    const Status status = check_frame_size(29);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::usage);
    EXPECT_EQ(
        status.error().what,
        "a frame of 29 bytes is too short: it needs at least 30, 14 of Ethernet header and 16 that carry the "
        "send's number");
}

TEST(DriveFrame, MagicDiffersFromRunToRunAndIsNeverZero) {
    const auto one = random_cookie_magic();
    const auto two = random_cookie_magic();
    ASSERT_TRUE(one);
    ASSERT_TRUE(two);
    EXPECT_NE(*one, 0U);
    EXPECT_NE(*two, 0U);
    EXPECT_NE(*one, *two);
}

}  // namespace
}  // namespace sockray
