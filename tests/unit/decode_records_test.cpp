// Bytes of the ring -> records.
#include "user/decode/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/correlate_records.h"
#include "tests/unit/ring_bytes.h"
#include "user/base/stage.h"
#include "user/correlate/path.h"

namespace sockray {
namespace {

using made::is_length_of_a_send;
using made::ring_bytes;
using made::send_lengths;

template <typename T>
std::string refusal(const T& record) {
    const auto result = decode(ring_bytes(record));
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

sr_frame good_frame() {
    sr_frame frame = sample::frame_taken(77);
    frame.stage = SR_STAGE_NONE;
    return frame;
}

sr_stack good_stack() {
    sr_stack stack{};
    stack.head = {SR_RECORD_STACK, sizeof stack, 0, 0, 1};
    stack.address[0] = 0xffffffff81000000;
    return stack;
}

TEST(Decoding, ReturnsAGoodSendUnchanged) {
    const sr_send send = sample::taken();
    const auto record = decode(ring_bytes(send));
    ASSERT_TRUE(record) << record.error();
    EXPECT_EQ(ring_bytes(std::get<sr_send>(*record)), ring_bytes(send));
}

TEST(Decoding, ReturnsAGoodSocketUnchanged) {
    const sr_socket socket = good_socket();
    const auto record = decode(ring_bytes(socket));
    ASSERT_TRUE(record) << record.error();
    EXPECT_EQ(ring_bytes(std::get<sr_socket>(*record)), ring_bytes(socket));
}

TEST(Decoding, ReturnsAGoodStackUnchanged) {
    const sr_stack stack = good_stack();
    const auto record = decode(ring_bytes(stack));
    ASSERT_TRUE(record) << record.error();
    EXPECT_EQ(ring_bytes(std::get<sr_stack>(*record)), ring_bytes(stack));
}

TEST(Decoding, ReturnsAGoodFrameUnchanged) {
    for (const sr_frame& frame :
         {good_frame(), sample::frame_dropped(1), sample::frame_segmented(1, 12), sample::frame(1, SR_FRAME_CONSUMED),
          sample::frame(1, SR_FRAME_FREED), sample::frame_received(1, SR_RECEIVED_FULL)}) {
        const auto record = decode(ring_bytes(frame));
        ASSERT_TRUE(record) << record.error();
        EXPECT_EQ(ring_bytes(std::get<sr_frame>(*record)), ring_bytes(frame));
    }
}

sr_piece good_piece() {
    sr_piece piece{};
    piece.head.type = SR_RECORD_PIECE;
    piece.length = 100;
    piece.offset = 60;
    piece.size = 40;
    return piece;
}

// With so many bytes behind it.
tl::expected<Record, std::string_view> decode_piece(sr_piece piece, std::size_t room) {
    piece.head.size = static_cast<__u32>(sizeof piece + room);
    std::vector<std::byte> bytes = ring_bytes(piece);
    bytes.resize(sizeof piece + room, std::byte{7});
    const auto record = decode(bytes);
    if (record) {
        EXPECT_EQ(std::get<Piece>(*record).bytes.size(), piece.size);
    }
    return record;
}

TEST(Decoding, TakesAPieceOfAFrameWithTheBytesThatItUses) {
    EXPECT_TRUE(decode_piece(good_piece(), 72));
    EXPECT_TRUE(decode_piece(good_piece(), 40));
}

TEST(Decoding, RefusesAPieceThatIsLongerThanItsRecordOrItsFrame) {
    EXPECT_FALSE(decode_piece(good_piece(), 39));
    sr_piece piece = good_piece();
    piece.offset = 61;
    EXPECT_FALSE(decode_piece(piece, 72));
    piece = good_piece();
    piece.offset = UINT32_MAX;
    EXPECT_FALSE(decode_piece(piece, 72));
    piece = good_piece();
    piece.length = piece.size = UINT32_MAX;
    EXPECT_FALSE(decode_piece(piece, 72));
}

TEST(Decoding, RefusesAFrameWithAnEndThatIsNone) {
    sr_frame frame = good_frame();
    for (const std::uint32_t kind : {0U, SR_FRAME_ALSO_RECEIVED + 1U, 256U + SR_FRAME_TAKEN, 0xffffffffU}) {
        frame.kind = kind;
        EXPECT_EQ(refusal(frame), "a frame with an end that is none") << kind;
    }
    for (std::uint32_t kind = SR_FRAME_TAKEN; kind <= SR_FRAME_ALSO_RECEIVED; kind++) {
        frame.kind = kind;
        EXPECT_EQ(refusal(frame), "") << kind;
    }
}

TEST(Decoding, RefusesAFrameWithAStageOutOfPlace) {
    for (std::uint32_t stage = 0; stage < 1000; stage++) {
        sr_frame frame = good_frame();
        frame.stage = stage;
        const bool fits = stage == SR_STAGE_NONE || stage == SR_STAGE_PACKET_RCV || stage == SR_STAGE_TPACKET_RCV;
        EXPECT_EQ(refusal(frame), fits ? "" : "a frame with a stage out of place") << stage;
    }
}

TEST(Decoding, RefusesAFrameWithAResultThatIsNone) {
    sr_frame frame = good_frame();
    for (const std::int32_t ret : {-4096, INT32_MIN}) {
        frame.ret = ret;
        EXPECT_EQ(refusal(frame), "a frame with a result that is none") << ret;
    }
    for (const std::int32_t ret : {-4095, 0, 1, INT32_MAX}) {
        frame.ret = ret;
        EXPECT_EQ(refusal(frame), "") << ret;
    }
}

TEST(Decoding, TakesASendThatWasSweptFromInsideTheKernel) {
    sr_send send = sample::refused(0);
    send.flags = SR_SEND_SWEPT;
    send.span[SR_SLOT_ENTRY].end = send.span[SR_SLOT_SENDMSG].end = 0;
    EXPECT_EQ(refusal(send), "");
}

TEST(Decoding, RefusesWhatIsShorterThanAHead) {
    const std::vector<std::byte> bytes = ring_bytes(sample::taken());
    for (std::size_t size = 0; size < sizeof(sr_head); size++)
        EXPECT_FALSE(decode(std::span(bytes).first(size))) << size;
}

TEST(Decoding, RefusesARecordThatSaysAnotherSizeThanItHas) {
    sr_send send = sample::taken();
    const std::uint32_t right = sizeof send;
    for (const std::uint32_t size : {0U, 1U, 24U, right - 1, right + 1, 0xffffffffU}) {
        send.head.size = size;
        EXPECT_EQ(refusal(send), "a record that says another size than it has") << size;
    }
}

TEST(Decoding, RefusesEveryPrefixOfARecord) {
    for (const std::vector<std::byte>& bytes :
         {ring_bytes(sample::taken()), ring_bytes(good_socket()), ring_bytes(good_frame()), ring_bytes(good_stack())})
        for (std::size_t size = 0; size < bytes.size(); size++)
            EXPECT_FALSE(decode(std::span(bytes).first(size))) << size;
}

// Also when its head says the size that it was cut to.
TEST(Decoding, RefusesARecordThatWasCutAndSaysSo) {
    const auto cut = [](std::vector<std::byte> bytes, std::uint32_t size) {
        bytes.resize(size);
        std::memcpy(bytes.data() + offsetof(sr_head, size), &size, sizeof size);
        const auto record = decode(bytes);
        return record ? "" : std::string(record.error());
    };
    for (const std::vector<std::byte>& bytes :
         {ring_bytes(sample::taken()), ring_bytes(good_socket()), ring_bytes(good_frame()), ring_bytes(good_stack())})
        for (std::size_t size = sizeof(sr_head); size < bytes.size(); size++)
            if (record_type(bytes) != SR_RECORD_SEND || !is_length_of_a_send(size)) {
                EXPECT_EQ(cut(bytes, static_cast<std::uint32_t>(size)), "a record of a wrong size for its type")
                    << size;
            }
}

TEST(Decoding, RefusesARecordThatIsTooLongOrTooShortForItsType) {
    const auto refused = [](std::uint32_t type, std::size_t size) {
        std::vector<std::byte> bytes(size);
        sr_head head{type, static_cast<std::uint32_t>(size), 0, 0, 0};
        std::memcpy(bytes.data(), &head, sizeof head);
        const auto record = decode(bytes);
        return !record && record.error() == "a record of a wrong size for its type";
    };
    const std::pair<std::uint32_t, std::size_t> types[] = {{SR_RECORD_SEND, sizeof(sr_send)},
                                                           {SR_RECORD_SOCKET, sizeof(sr_socket)},
                                                           {SR_RECORD_STACK, sizeof(sr_stack)},
                                                           {SR_RECORD_FRAME, sizeof(sr_frame)}};
    for (const auto& [type, right] : types)
        for (const std::size_t size :
             {std::size_t{24}, std::size_t{120}, std::size_t{1000}, right - 1, right, right + 1})
            EXPECT_EQ(refused(type, size), size != right) << size << " of type " << type;
    for (std::size_t size = sizeof(sr_head); size < 1000; size++)
        EXPECT_EQ(refused(SR_RECORD_SEND, size), !is_length_of_a_send(size)) << size;
}

TEST(Decoding, RefusesTypesThatItDoesNotKnow) {
    sr_send send = sample::taken();
    for (const std::uint32_t type : {0U, 6U, 255U, 0xffffffffU}) {
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
    send = sample::taken();
    std::fill(std::begin(send.qdisc), std::end(send.qdisc), 'x');
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
        for (int slot = 0; slot < static_cast<int>(sizeof sr_send::stage); slot++) {
            sr_send send = sample::taken();
            send.stage[slot] = static_cast<__u8>(number);
            const StageInfo& info = stage_info(static_cast<Stage>(number));
            const bool fits = number == SR_STAGE_NONE || (info.stage != Stage::none && info.slot == slot);
            EXPECT_EQ(refusal(send), fits ? "" : "a send with a stage out of place") << number << " in " << slot;
        }
}

template <typename T>
T taken_from(const T& record) {
    const auto decoded = decode(ring_bytes(record));
    EXPECT_TRUE(decoded) << decoded.error();
    return decoded ? std::get<T>(*decoded) : T{};
}

std::vector<std::uint64_t> ends_of(const sr_send& send) {
    std::vector<std::uint64_t> ends;
    for (const sr_span& span : send.span) ends.push_back(span.end);
    return ends;
}

TEST(Decoding, KeepsASendWithAStageThatEndsBeforeItBeginsWithoutThatEnd) {
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) {
        sr_send send = sample::taken();
        const std::vector<std::uint64_t> others = ends_of(send);
        send.span[slot] = {1000, 999};
        const sr_send taken = taken_from(send);
        EXPECT_EQ(taken.span[slot].start, 1000U) << slot;
        EXPECT_EQ(taken.span[slot].end, 0U) << slot;
        std::vector<std::uint64_t> expected = others;
        expected[static_cast<std::size_t>(slot)] = 0;
        EXPECT_EQ(ends_of(taken), expected) << slot;
        // The body's end is that of packet_sendmsg.
        EXPECT_EQ(lacks_return(taken), slot != SR_SLOT_BODY) << slot << " must be counted";
        for (const std::uint64_t end : {std::uint64_t{1000}, std::uint64_t{0}}) {
            send.span[slot] = {1000, end};
            EXPECT_EQ(taken_from(send).span[slot].end, end) << slot;
        }
    }
}

TEST(Decoding, KeepsASocketAndAFrameWithoutTheEndThatCannotBe) {
    sr_socket socket = good_socket();
    socket.create = {5, 4};
    socket.packet_create = {6, 1};
    EXPECT_EQ(taken_from(socket).create.end, 0U);
    EXPECT_EQ(taken_from(socket).packet_create.end, 0U);
    sr_frame frame = good_frame();
    frame.ndo = {1000, 999};
    EXPECT_EQ(taken_from(frame).ndo.start, 1000U);
    EXPECT_EQ(taken_from(frame).ndo.end, 0U);
    frame.ndo = {1000, 1000};
    EXPECT_EQ(taken_from(frame).ndo.end, 1000U);
}

// What decode.h promises of a record that it let through.
void expect_kept_promises(const Record& record) {
    if (const auto* send = std::get_if<sr_send>(&record)) {
        ASSERT_EQ(send->head.type, static_cast<std::uint32_t>(SR_RECORD_SEND));
        ASSERT_EQ(send->head.size, sizeof *send);
        ASSERT_NE(std::memchr(send->comm, 0, sizeof send->comm), nullptr);
        ASSERT_NE(std::memchr(send->ifname, 0, sizeof send->ifname), nullptr);
        ASSERT_NE(std::memchr(send->qdisc, 0, sizeof send->qdisc), nullptr);
        for (int slot = 0; slot < static_cast<int>(sizeof send->stage); slot++) {
            const StageInfo& info = stage_info(static_cast<Stage>(send->stage[slot]));
            ASSERT_TRUE(send->stage[slot] == SR_STAGE_NONE || info.slot == slot);
        }
        for (const sr_span& span : send->span) ASSERT_TRUE(span.end == 0 || span.end >= span.start);
    } else if (const auto* socket = std::get_if<sr_socket>(&record)) {
        ASSERT_EQ(socket->head.size, sizeof *socket);
        ASSERT_NE(std::memchr(socket->comm, 0, sizeof socket->comm), nullptr);
    } else if (const auto* frame = std::get_if<sr_frame>(&record)) {
        ASSERT_EQ(frame->head.type, static_cast<std::uint32_t>(SR_RECORD_FRAME));
        ASSERT_EQ(frame->head.size, sizeof *frame);
        ASSERT_GE(frame->kind, static_cast<std::uint32_t>(SR_FRAME_TAKEN));
        ASSERT_LE(frame->kind, static_cast<std::uint32_t>(SR_FRAME_ALSO_RECEIVED));
        ASSERT_LT(frame->stage, static_cast<std::uint32_t>(SR_STAGE_COUNT));
        ASSERT_TRUE(frame->stage == SR_STAGE_NONE ||
                    stage_info(static_cast<Stage>(frame->stage)).slot == SR_SLOT_RECEIVE);
        ASSERT_TRUE(frame->ndo.end == 0 || frame->ndo.end >= frame->ndo.start);
    } else if (const auto* piece = std::get_if<Piece>(&record)) {
        ASSERT_EQ(piece->bytes.size(), piece->head.size);
        ASSERT_LE(std::uint64_t{piece->head.offset} + piece->head.size, piece->head.length);
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
            switch (random() % 3) {
                case 0: bytes = ring_bytes(sample::taken(), send_lengths[random() % 4]); break;
                case 1: bytes = ring_bytes(good_socket()); break;
                default: bytes = ring_bytes(good_frame()); break;
            }
            for (int change = static_cast<int>(random() % 4); change >= 0; change--)
                bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        } else {
            constexpr std::size_t sizes[] = {sizeof(sr_send), sizeof(sr_socket), sizeof(sr_stack), sizeof(sr_frame)};
            const std::uint32_t type = 1 + random() % 4;
            bytes.resize(round % 3 == 0 ? random() % 700 : sizes[type - 1]);
            if (round % 3 == 1 && type == SR_RECORD_SEND) bytes.resize(send_lengths[random() % 4]);
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
