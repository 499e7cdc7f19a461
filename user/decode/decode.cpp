#include "user/decode/decode.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "user/base/stage.h"

namespace sockray {
namespace {

using Error = tl::unexpected<std::string_view>;

template <std::size_t size>
bool terminated(const char (&text)[size]) {
    // The last byte is one that the kernel side has cleared, as a rule.
    return text[size - 1] == '\0' || std::memchr(text, '\0', size) != nullptr;
}

constexpr std::string_view says_another_size = "a record that says another size than it has";
constexpr std::string_view has_a_wrong_size = "a record of a wrong size for its type";

template <typename T>
tl::expected<T, std::string_view> copy_as(std::span<const std::byte> bytes) {
    // The ring rounds nothing up: a record has exactly its size.
    if (bytes.size() != sizeof(T)) return Error(has_a_wrong_size);
    T record;
    std::memcpy(&record, bytes.data(), sizeof record);
    return record;
}

// The slot that each stage number belongs into; of numbers that no stage has, none.
constexpr auto slot_of_stage = [] {
    std::array<std::int8_t, 256> slots{};
    slots.fill(-1);
    for (const StageInfo& info : all_stages)
        slots[static_cast<std::size_t>(info.stage)] = static_cast<std::int8_t>(info.slot);
    return slots;
}();

bool has_stages_in_place(const sr_send& send) {
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++)
        if (send.stage[slot] != SR_STAGE_NONE && slot_of_stage[send.stage[slot]] != slot) return false;
    constexpr char none[sizeof send.stage - SR_SLOT_COUNT] = {};
    return std::memcmp(send.stage + SR_SLOT_COUNT, none, sizeof none) == 0;
}

// include/linux/err.h: MAX_ERRNO
bool possible_result(std::int64_t ret) {
    return ret >= -4095 && ret <= INT32_MAX;
}

// A record tells more than its times: one that contradicts itself loses the end that cannot be, and nothing else.
void forget_impossible_end(sr_span& span) {
    if (span.end < span.start) span.end = 0;
}

template <typename T>
tl::expected<Record, std::string_view> check(T record) {
    if (const std::string_view wrong = check_body(record); !wrong.empty()) return Error(wrong);
    return record;
}

tl::expected<Record, std::string_view> check_frame(sr_frame frame) {
    if (frame.kind < SR_FRAME_TAKEN || frame.kind > SR_FRAME_ALSO_RECEIVED)
        return Error("a frame with an end that is none");
    if (!possible_result(frame.ret)) return Error("a frame with a result that is none");
    forget_impossible_end(frame.ndo);
    const auto stage = static_cast<Stage>(frame.stage);
    if (frame.stage >= SR_STAGE_COUNT || (stage != Stage::none && stage_info(stage).slot != SR_SLOT_RECEIVE))
        return Error("a frame with a stage out of place");
    return frame;
}

tl::expected<Record, std::string_view> take_piece(std::span<const std::byte> bytes) {
    Piece piece;
    if (bytes.size() < sizeof piece.head) return Error("a piece that is too short");
    std::memcpy(&piece.head, bytes.data(), sizeof piece.head);
    bytes = bytes.subspan(sizeof piece.head);
    if (piece.head.size > bytes.size() || piece.head.size > SR_PIECE_BYTES)
        return Error("a piece of more bytes than it has");
    if (piece.head.offset > piece.head.length || piece.head.size > piece.head.length - piece.head.offset)
        return Error("a piece that lies outside of its frame");
    piece.bytes = bytes.first(piece.head.size);
    return piece;
}

// What was cut off are zeros, and the spans stand in the order of their places.
bool take_send(std::span<const std::byte> bytes, sr_send& send) {
    constexpr std::size_t lengths[] = {SR_SEND_SHORT, SR_SEND_OUTER, SR_SEND_FRAME, SR_SEND_LONG};
    if (std::ranges::find(lengths, bytes.size()) == std::end(lengths)) return false;
    constexpr std::size_t spans = offsetof(sr_send, span);
    constexpr std::size_t behind = spans + sizeof send.span;
    std::memcpy(&send, bytes.data(), spans);
    send.head.size = sizeof send;
    sr_span placed[SR_SLOT_COUNT] = {};
    std::memcpy(placed, bytes.data() + spans, std::min(bytes.size(), behind) - spans);
    for (int slot = 0; slot < SR_SLOT_COUNT; slot++) send.span[slot] = placed[sr_place[slot]];
    auto* const rest = reinterpret_cast<std::byte*>(&send) + behind;
    const std::size_t more = bytes.size() > behind ? bytes.size() - behind : 0;
    if (more > 0) std::memcpy(rest, bytes.data() + behind, more);
    std::memset(rest + more, 0, sizeof send - behind - more);
    return true;
}

}  // namespace

std::string_view check_body(sr_send& send) {
    if (!terminated(send.comm) || !terminated(send.ifname) || !terminated(send.qdisc) || !terminated(send.passed_on_to))
        return "a send with an unterminated name";
    if (!possible_result(send.ret)) return "a send with a result that is none";
    if (!has_stages_in_place(send)) return "a send with a stage out of place";
    for (sr_span& span : send.span) forget_impossible_end(span);
    return {};
}

std::string_view check_body(sr_socket& socket) {
    if (!terminated(socket.comm)) return "a socket with an unterminated name";
    if (!possible_result(socket.ret) || !possible_result(socket.create_ret))
        return "a socket with a result that is none";
    for (sr_span* span : {&socket.create, &socket.packet_create}) forget_impossible_end(*span);
    return {};
}

std::uint32_t record_type(std::span<const std::byte> bytes) {
    sr_head head;
    if (bytes.size() < sizeof head) return 0;
    std::memcpy(&head, bytes.data(), sizeof head);
    return head.type;
}

std::string_view decode_send(std::span<const std::byte> bytes, sr_send& send) {
    sr_head head;
    if (bytes.size() < sizeof head) return has_a_wrong_size;
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.size != bytes.size()) return says_another_size;
    return take_send(bytes, send) ? check_body(send) : has_a_wrong_size;
}

tl::expected<Record, std::string_view> decode(std::span<const std::byte> bytes) {
    sr_head head;
    if (bytes.size() < sizeof head) return Error("too short for a record");
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.size != bytes.size()) return Error(says_another_size);
    switch (head.type) {
        case SR_RECORD_SEND: {
            sr_send send;
            if (const std::string_view wrong = decode_send(bytes, send); !wrong.empty()) return Error(wrong);
            return send;
        }
        case SR_RECORD_SOCKET: return copy_as<sr_socket>(bytes).and_then(check<sr_socket>);
        case SR_RECORD_FRAME: return copy_as<sr_frame>(bytes).and_then(check_frame);
        case SR_RECORD_PIECE: return take_piece(bytes);
        case SR_RECORD_STACK: return copy_as<sr_stack>(bytes).map([](const sr_stack& s) { return Record(s); });
        default: return Error("a record of an unknown type");
    }
}

}  // namespace sockray
