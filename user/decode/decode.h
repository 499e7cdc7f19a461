// Bytes of the ring -> typed records. Pure and total: any bytes give a record or a reason why not; nothing is trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>

#include "bpf/records.h"

namespace sockray {

// The records are the structs of bpf/records.h themselves. In a decoded one every string is terminated, every stage
// number is one of a stage that belongs into its slot, and type and size are right. A stage that would end before it
// begins has no end: 0, as one whose return was not seen. A send has its whole length, however short it came.
//
// Of a piece the bytes are a view into those that were decoded.
struct Piece {
    sr_piece head{};
    std::span<const std::byte> bytes;
};

using Record = std::variant<sr_send, sr_socket, sr_stack, sr_frame, Piece>;

// The error is a constant text that says what is wrong with the bytes; such a record counts as rejected.
tl::expected<Record, std::string_view> decode(std::span<const std::byte> bytes);

// The same of a record that says it is a send (record_type), to where it is to stay: they are most of what comes. The
// error is what is wrong with the bytes; empty: nothing.
std::string_view decode_send(std::span<const std::byte> bytes, sr_send& send);

// What decode() asks of a record's body, and does to it, where it stands: for records that come another way, without
// copies. The error is what is wrong with it; empty: nothing, and an end that cannot be has been taken away.
std::string_view check_body(sr_send& send);
std::string_view check_body(sr_socket& socket);

// SR_RECORD_* that the bytes say they are, whether they decode or not; 0 where they do not say.
std::uint32_t record_type(std::span<const std::byte> bytes);

}  // namespace sockray
