// Fields of a protobuf message: read as protozero writes them, wherever they stand; and what is none is refused.
#include "user/record/message.h"

#include <gtest/gtest.h>

#include <iterator>
#include <protozero/exception.hpp>
#include <string>
#include <vector>

namespace sockray {
namespace {

std::string written(std::uint64_t number) {
    std::string bytes;
    protozero::write_varint(std::back_inserter(bytes), number);
    return bytes;
}

// Of each length the smallest, the largest, and some between.
std::vector<std::uint64_t> numbers_of_all_lengths() {
    std::vector<std::uint64_t> numbers{0};
    for (unsigned bits = 0; bits < 64; bits++)
        for (const std::uint64_t number : {1ULL << bits, (2ULL << bits) - 1, 0xa5a5a5a5a5a5a5a5ULL >> (63 - bits)})
            numbers.push_back(number);
    return numbers;
}

TEST(RecordingMessage, ANumberOfAnyLengthIsReadWhateverStandsBehindIt) {
    for (const std::uint64_t number : numbers_of_all_lengths()) {
        const std::string bytes = written(number);
        for (std::size_t behind = 0; behind < 12; behind++)
            for (const char more : {'\0', '\x7f', '\x80', '\xff'}) {
                const std::string all = bytes + std::string(behind, more);
                Numbers numbers(all);
                EXPECT_EQ(numbers.take(), number);
                EXPECT_EQ(numbers.place(), all.data() + bytes.size());
            }
    }
}

TEST(RecordingMessage, ANumberThatIsCutOffOrTooLongIsRefused) {
    for (const std::uint64_t number : numbers_of_all_lengths()) {
        const std::string bytes = written(number);
        for (std::size_t size = 0; size < bytes.size(); size++)
            EXPECT_THROW(Numbers(std::string_view(bytes).substr(0, size)).take(), protozero::exception) << number;
    }
    EXPECT_THROW(Numbers(std::string(10, '\x80') + std::string(10, '\1')).take(), protozero::exception);
}

TEST(RecordingMessage, FieldsComeInTheirOrderWithWhatTheyHold) {
    std::string bytes = written(key_of(1, Wire::number)) + written(300);
    bytes += written(key_of(2047, Wire::bytes)) + written(3) + "abc";
    bytes += written(key_of(2048, Wire::number)) + written(UINT64_MAX);  // a key of three bytes
    MessageReader reader(bytes);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.key(), key_of(1, Wire::number));
    EXPECT_EQ(reader.number(), 300U);
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.key(), key_of(2047, Wire::bytes));
    EXPECT_EQ(reader.bytes(), "abc");
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.key(), key_of(2048, Wire::number));
    EXPECT_EQ(reader.number(), UINT64_MAX);
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.key(), MessageReader::no_key);
}

TEST(RecordingMessage, FieldsOfEachWireTypeArePassedOver) {
    const std::string last = written(key_of(9, Wire::number)) + written(7);
    for (const std::string& skipped :
         {written(key_of(3, Wire::number)) + written(1ULL << 40U), written(key_of(3, Wire::eight_bytes)) + "12345678",
          written(key_of(3, Wire::bytes)) + written(5) + "12345", written(key_of(3, Wire::four_bytes)) + "1234"}) {
        const std::string bytes = skipped + last;
        MessageReader reader(bytes);
        ASSERT_TRUE(reader.next());
        reader.skip();
        ASSERT_TRUE(reader.next());
        EXPECT_EQ(reader.key(), key_of(9, Wire::number));
    }
}

TEST(RecordingMessage, WhatIsNoFieldIsRefused) {
    const auto pass_over = [](const std::string& bytes) {
        for (MessageReader reader(bytes); reader.next();) reader.skip();
    };
    EXPECT_NO_THROW(pass_over(""));
    EXPECT_THROW(pass_over(written(key_of(0, Wire::number)) + "1"), Malformed) << "no field has the number 0";
    for (const std::uint32_t kind : {3U, 4U, 6U, 7U}) EXPECT_THROW(pass_over(written(8U | kind) + "1"), Malformed);
    EXPECT_THROW(pass_over(written(key_of(3, Wire::bytes)) + written(6) + "12345"), Malformed) << "cut off";
    EXPECT_THROW(pass_over(written(key_of(3, Wire::bytes)) + written(UINT64_MAX) + "12345"), Malformed);
    EXPECT_THROW(pass_over(written(key_of(3, Wire::eight_bytes)) + "1234567"), Malformed);
    EXPECT_THROW(pass_over(written(UINT64_MAX) + "1"), Malformed) << "a key that is no number of a field";
}

}  // namespace
}  // namespace sockray
