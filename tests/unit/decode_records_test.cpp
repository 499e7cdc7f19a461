// Bytes of the ring -> records.
#include "user/decode/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "user/base/stage.h"

namespace sockray {
namespace {

template <typename T>
std::vector<std::byte> bytes_of(const T& record) {
    std::vector<std::byte> bytes(sizeof record);
    std::memcpy(bytes.data(), &record, sizeof record);
    return bytes;
}

template <typename T>
std::string refusal(const T& record) {
    const auto result = decode(bytes_of(record));
    return result ? "" : std::string(result.error());
}

sr_socket good_socket() {
    sr_socket socket{};
    socket.head = {SR_RECORD_SOCKET, sizeof socket, 0, 0, 1};
    sample::set(socket.comm, "arping");
    socket.create = {100, 200};
    socket.packet_create = {120, 180};
    return socket;
}

sr_stack good_stack() {
    sr_stack stack{};
    stack.head = {SR_RECORD_STACK, sizeof stack, 0, 0, 1};
    stack.address[0] = 0xffffffff81000000;
    return stack;
}

TEST(Decoding, ReturnsAGoodSendUnchanged) {
    const sr_send send = sample::taken();
    const auto record = decode(bytes_of(send));
    ASSERT_TRUE(record) << record.error();
    EXPECT_EQ(bytes_of(std::get<sr_send>(*record)), bytes_of(send));
}

TEST(Decoding, ReturnsAGoodSocketUnchanged) {
    const sr_socket socket = good_socket();
    const auto record = decode(bytes_of(socket));
    ASSERT_TRUE(record) << record.error();
    EXPECT_EQ(bytes_of(std::get<sr_socket>(*record)), bytes_of(socket));
}

TEST(Decoding, ReturnsAGoodStackUnchanged) {
    const sr_stack stack = good_stack();
    const auto record = decode(bytes_of(stack));
    ASSERT_TRUE(record) << record.error();
    EXPECT_EQ(bytes_of(std::get<sr_stack>(*record)), bytes_of(stack));
}

TEST(Decoding, TakesASendThatWasSweptFromInsideTheKernel) {
    sr_send send = sample::refused(0);
    send.flags = SR_SEND_SWEPT;
    send.span[SR_SLOT_ENTRY].end = send.span[SR_SLOT_SENDMSG].end = 0;
    EXPECT_EQ(refusal(send), "");
}

TEST(Decoding, RefusesWhatIsShorterThanAHead) {
    const std::vector<std::byte> bytes = bytes_of(sample::taken());
    for (std::size_t size = 0; size < sizeof(sr_head); size++)
        EXPECT_FALSE(decode(std::span(bytes).first(size))) << size;
}

TEST(Decoding, RefusesARecordThatSaysAnotherSizeThanItHas) {
    sr_send send = sample::taken();
    for (const std::uint32_t size : {0U, 1U, 24U, 367U, 369U, 0xffffffffU}) {
        send.head.size = size;
        EXPECT_EQ(refusal(send), "a record that says another size than it has") << size;
    }
}

TEST(Decoding, RefusesEveryPrefixOfARecord) {
    const std::vector<std::byte> bytes = bytes_of(sample::taken());
    for (std::size_t size = 0; size < bytes.size(); size++) EXPECT_FALSE(decode(std::span(bytes).first(size))) << size;
}

TEST(Decoding, RefusesARecordThatIsTooLongOrTooShortForItsType) {
    for (const std::uint32_t type : {SR_RECORD_SEND, SR_RECORD_SOCKET, SR_RECORD_STACK})
        for (const std::size_t size : {std::size_t{24}, std::size_t{120}, std::size_t{1000}}) {
            std::vector<std::byte> bytes(size);
            sr_head head{type, static_cast<std::uint32_t>(size), 0, 0, 0};
            std::memcpy(bytes.data(), &head, sizeof head);
            EXPECT_EQ(decode(bytes).has_value(), size == sizeof(sr_stack) && type == SR_RECORD_STACK);
        }
}

TEST(Decoding, RefusesTypesThatItDoesNotKnow) {
    sr_send send = sample::taken();
    for (const std::uint32_t type : {0U, 4U, 255U, 0xffffffffU}) {
        send.head.type = type;
        EXPECT_EQ(refusal(send), "a record of an unknown type") << type;
    }
}

TEST(Decoding, RefusesUnterminatedNames) {
    sr_send send = sample::taken();
    std::fill(std::begin(send.comm), std::end(send.comm), 'x');
    EXPECT_EQ(refusal(send), "a send with an unterminated name");
    send = sample::taken();
    std::fill(std::begin(send.ifname), std::end(send.ifname), 'x');
    EXPECT_EQ(refusal(send), "a send with an unterminated name");
    sr_socket socket = good_socket();
    std::fill(std::begin(socket.comm), std::end(socket.comm), 'x');
    EXPECT_EQ(refusal(socket), "a socket with an unterminated name");
}

TEST(Decoding, TakesNamesOfAnyBytesAndOfFullLength) {
    sr_send send = sample::taken();
    sample::set(send.comm, "\x1b[31m\xff\xfe\n\t\"\\aaaa");
    sample::set(send.ifname, "123456789012345");
    EXPECT_EQ(refusal(send), "");
    std::memset(send.comm, 0, sizeof send.comm);
    EXPECT_EQ(refusal(send), "");
}

TEST(Decoding, TakesEachStageInItsOwnSlotAndInNoOther) {
    for (int number = 0; number < 256; number++)
        for (int slot = 0; slot < 16; slot++) {
            sr_send send = sample::taken();
            send.stage[slot] = static_cast<__u8>(number);
            const StageInfo& info = stage_info(static_cast<Stage>(number));
            const bool fits = number == SR_STAGE_NONE || (info.stage != Stage::none && info.slot == slot);
            EXPECT_EQ(refusal(send), fits ? "" : "a send with a stage out of place") << number << " in " << slot;
        }
}

TEST(Decoding, RefusesAStageThatEndsBeforeItBegins) {
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        sr_send send = sample::taken();
        send.span[slot] = {1000, 999};
        EXPECT_EQ(refusal(send), "a send with a stage that ends before it begins") << slot;
        send.span[slot] = {1000, 1000};
        EXPECT_EQ(refusal(send), "") << slot;
        send.span[slot] = {1000, 0};
        EXPECT_EQ(refusal(send), "") << slot << ", whose end was not seen";
    }
    sr_socket socket = good_socket();
    socket.create = {5, 4};
    EXPECT_EQ(refusal(socket), "a socket with a stage that ends before it begins");
    socket = good_socket();
    socket.packet_create = {5, 4};
    EXPECT_EQ(refusal(socket), "a socket with a stage that ends before it begins");
}

// What decode.h promises of a record that it let through.
void expect_kept_promises(const Record& record) {
    if (const auto* send = std::get_if<sr_send>(&record)) {
        ASSERT_EQ(send->head.type, static_cast<std::uint32_t>(SR_RECORD_SEND));
        ASSERT_EQ(send->head.size, sizeof *send);
        ASSERT_NE(std::memchr(send->comm, 0, sizeof send->comm), nullptr);
        ASSERT_NE(std::memchr(send->ifname, 0, sizeof send->ifname), nullptr);
        for (int slot = 0; slot < 16; slot++) {
            const StageInfo& info = stage_info(static_cast<Stage>(send->stage[slot]));
            ASSERT_TRUE(send->stage[slot] == SR_STAGE_NONE || info.slot == slot);
        }
        for (const sr_span& span : send->span) ASSERT_TRUE(span.end == 0 || span.end >= span.start);
    } else if (const auto* socket = std::get_if<sr_socket>(&record)) {
        ASSERT_EQ(socket->head.size, sizeof *socket);
        ASSERT_NE(std::memchr(socket->comm, 0, sizeof socket->comm), nullptr);
    } else {
        ASSERT_EQ(std::get<sr_stack>(record).head.size, sizeof(sr_stack));
    }
}

TEST(Decoding, GivesARecordOrAReasonForAnyBytes) {
    std::mt19937_64 random(1);
    std::vector<std::byte> bytes;
    int taken = 0;
    for (int round = 0; round < 100'000; round++) {
        // A third of plain noise, a third of noise behind a good head, a third of good records with a few bytes
        // changed.
        if (round % 3 == 2) {
            bytes = round % 2 ? bytes_of(sample::taken()) : bytes_of(good_socket());
            for (int change = static_cast<int>(random() % 4); change >= 0; change--)
                bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        } else {
            constexpr std::size_t sizes[] = {sizeof(sr_send), sizeof(sr_socket), sizeof(sr_stack)};
            const std::uint32_t type = 1 + random() % 3;
            bytes.resize(round % 3 == 0 ? random() % 700 : sizes[type - 1]);
            for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
            const sr_head head{type, static_cast<std::uint32_t>(bytes.size()), 0, 0, 0};
            if (round % 3 == 1) std::memcpy(bytes.data(), &head, sizeof head);
        }
        const auto record = decode(bytes);
        if (!record) {
            ASSERT_FALSE(record.error().empty());
            continue;
        }
        taken++;
        ASSERT_NO_FATAL_FAILURE(expect_kept_promises(*record)) << "round " << round;
    }
    EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace sockray
