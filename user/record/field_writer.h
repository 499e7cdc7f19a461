// Writes the fields of a protobuf message into room that is known to be enough. What protozero's writer does too, made
// for messages of dozens of small fields that are written by the million: a field's key is a constant, no byte asks for
// room, and the place that is written to stays in a register.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <protozero/varint.hpp>
#include <string_view>
#include <type_traits>

#include "user/record/message.h"

namespace sockray {

inline constexpr std::size_t longest_number = protozero::max_varint_length;

// Adds up the room that fields take at the most; a visitor of fields as FieldWriter is.
class LongestFields {
  public:
    template <typename Integer>
    constexpr void number(std::uint32_t, Integer) {
        bytes_ += 2 * longest_number;
    }
    template <std::size_t size>
    constexpr void text(std::uint32_t, const char (&)[size]) {
        bytes_ += 2 * longest_number + size;
    }
    constexpr std::size_t bytes() const { return bytes_; }

  private:
    std::size_t bytes_ = 0;
};

// Numbers and texts that are 0 or empty are left out.
class FieldWriter {
  public:
    explicit FieldWriter(char* room) : begin_(room), at_(room) {}
    std::string_view view() const { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }

    template <typename Integer>
    [[gnu::always_inline]] void number(std::uint32_t field, Integer value) {
        if (value != 0) number_or_zero(field, value);
    }
    template <typename Integer>
    [[gnu::always_inline]] void number_or_zero(std::uint32_t field, Integer value) {
        put(key_of(field, Wire::number));
        if constexpr (std::is_signed_v<Integer>)
            put(protozero::encode_zigzag64(value));
        else
            put(value);
    }
    template <std::size_t size>
    [[gnu::always_inline]] void text(std::uint32_t field, const char (&value)[size]) {
        if (value[0]) bytes(field, {value, ::strnlen(value, size)});
    }
    [[gnu::always_inline]] void bytes(std::uint32_t field, std::string_view value) {
        bytes_ahead(field, value.size());
        std::memcpy(at_, value.data(), value.size());
        at_ += value.size();
    }
    // The bytes themselves are to follow, by who has them.
    [[gnu::always_inline]] void bytes_ahead(std::uint32_t field, std::size_t size) {
        put(key_of(field, Wire::bytes));
        put(size);
    }
    // One of several that are packed into a field.
    [[gnu::always_inline]] void put(std::uint64_t number) {
        for (; number >= goes_on; number >>= 7U) *at_++ = static_cast<char>(number | goes_on);
        *at_++ = static_cast<char>(number);
    }

  private:
    static constexpr std::uint64_t goes_on = 0x80;
    char* begin_;
    char* at_;
};

}  // namespace sockray
