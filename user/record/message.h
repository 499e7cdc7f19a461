// The fields of a protobuf message, in the order in which they stand. What protozero's reader does too, made for
// messages of dozens of small fields that are read by the million: a field's key is compared as it is, a number takes
// no branch a byte, and where the reader stands stays in a register.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <protozero/varint.hpp>
#include <string_view>

namespace sockray {

// What is wrong with an entry, thrown no further than parse_entry().
struct Malformed {
    std::string_view what;
};

// Out of the way of what is read by the million.
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse(std::string_view what) {
    throw Malformed{what};
}

enum class Wire : std::uint32_t { number = 0, eight_bytes = 1, bytes = 2, four_bytes = 5 };

constexpr std::uint32_t key_of(std::uint32_t field, Wire wire) {
    return field << 3U | static_cast<std::uint32_t>(wire);
}

// Numbers one behind the other: seven bits of it in each byte, the lowest first, and the eighth set in all but the
// last. Each throws protozero::exception where it is too long or cut off.
class Numbers {
  public:
    explicit Numbers(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
    bool at_end() const { return at_ == end_; }
    const char* place() const { return at_; }

    // Most are of four bytes at most, and many of one.
    [[gnu::always_inline]] std::uint64_t take() {
        std::uint32_t word = 0;
        if (left() >= sizeof word) {
            std::memcpy(&word, at_, sizeof word);
            if (!(word & goes_on)) return at_++, word & 0x7fU;
            if (const std::uint32_t last = ~word & 0x80808080U) {
                at_ += std::countr_zero(last) / 8 + 1;
                word &= last ^ (last - 1);
                return (word & 0x7fU) | (word >> 1U & 0x3f80U) | (word >> 2U & 0x1fc000U) | (word >> 3U & 0xfe00000U);
            }
        }
        return take_long();
    }
    // As take(), of keys of fields: they have one byte or two.
    [[gnu::always_inline]] std::uint64_t take_key() {
        std::uint16_t word = 0;
        if (left() >= sizeof word) {
            std::memcpy(&word, at_, sizeof word);
            if (!(word & goes_on)) return at_++, word & 0x7fU;
            if (!(word & goes_on << 8U)) return at_ += 2, (word & 0x7fU) | (word >> 1U & 0x3f80U);
        }
        return take_long();
    }
    [[gnu::always_inline]] std::string_view take_bytes(std::uint64_t size) {
        if (size > left()) refuse("an entry that is cut off");
        const std::string_view bytes(at_, size);
        at_ += size;
        return bytes;
    }

  private:
    static_assert(std::endian::native == std::endian::little);
    static constexpr std::uint32_t goes_on = 0x80;
    struct Taken {
        std::uint64_t number;
        const char* behind;
    };
    // By value, for what is pointed to could not stay in a register.
    [[gnu::noinline]] static Taken taken(const char* at, const char* end) {
        std::uint64_t word = 0;
        if (static_cast<std::size_t>(end - at) >= sizeof word) {
            std::memcpy(&word, at, sizeof word);
            if (const std::uint64_t last = ~word & 0x8080808080808080U) {
                word &= (last ^ (last - 1)) & 0x7f7f7f7f7f7f7f7fU;
                word = (word & 0x007f007f007f007fU) | (word & 0x7f007f007f007f00U) >> 1U;
                word = (word & 0x00003fff00003fffU) | (word & 0x3fff00003fff0000U) >> 2U;
                word = (word & 0x000000000fffffffU) | (word & 0x0fffffff00000000U) >> 4U;
                return {word, at + std::countr_zero(last) / 8 + 1};
            }
        }
        word = protozero::decode_varint(&at, end);
        return {word, at};
    }
    [[gnu::always_inline]] std::uint64_t take_long() {
        const Taken one = taken(at_, end_);
        at_ = one.behind;
        return one.number;
    }
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

    const char* at_;
    const char* end_;
};

// Before the first field until next() is called. A field is taken, by what its wire type says, before the next one.
class MessageReader {
  public:
    explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

    static constexpr std::uint32_t no_key = UINT32_MAX;  // of no field: it has no wire type

    // Goes to the next field; none: at the end.
    [[gnu::always_inline]] bool next() {
        if (rest_.at_end()) {
            key_ = no_key;
            return false;
        }
        const std::uint64_t key = rest_.take_key();
        if (key >= no_key) refuse("a field with a number that is none");
        key_ = static_cast<std::uint32_t>(key);
        return true;
    }
    // key_of() the field that it stands at; no_key before the first one and behind the last.
    std::uint32_t key() const { return key_; }
    // Behind what was read last: another one with each field.
    const char* place() const { return rest_.place(); }

    [[gnu::always_inline]] std::uint64_t number() { return rest_.take(); }
    [[gnu::always_inline]] std::string_view bytes() { return rest_.take_bytes(rest_.take()); }
    void skip() { rest_ = behind(key_, rest_); }

  private:
    // By value as well.
    [[gnu::noinline]] static Numbers behind(std::uint32_t key, Numbers rest) {
        if (key < key_of(1, Wire::number)) refuse("a field with a number that is none");
        switch (static_cast<Wire>(key & 7U)) {
            case Wire::number: rest.take(); break;
            case Wire::eight_bytes: rest.take_bytes(8); break;
            case Wire::bytes: rest.take_bytes(rest.take()); break;
            case Wire::four_bytes: rest.take_bytes(4); break;
            default: refuse("a field of an unknown kind");
        }
        return rest;
    }
    Numbers rest_;
    std::uint32_t key_ = no_key;
};

}  // namespace sockray
