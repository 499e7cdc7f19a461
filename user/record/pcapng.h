// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), as they are written and read. Nothing here knows what sockray
// puts into them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace sockray::pcapng {

inline constexpr std::uint32_t section_header = 0x0A0D0D0A;
inline constexpr std::uint32_t interface_description = 1;
inline constexpr std::uint32_t interface_statistics = 5;
inline constexpr std::uint32_t enhanced_packet = 6;
inline constexpr std::uint32_t journal_export = 9;  // a systemd journal entry: a row with a time and a message

inline constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
inline constexpr std::uint32_t longest_block = 1U << 26;  // longer ones are taken for damage

struct Section {
    std::string_view hardware;
    std::string_view system;
    std::string_view application;
};

struct Interface {
    std::uint16_t link_type = 0;  // LINKTYPE_*
    std::uint32_t snaplen = 0;
    std::string_view name;
    std::string_view description;
};

enum class Direction { unknown, in, out };

struct Packet {
    std::uint32_t interface = 0;  // in the order in which they were described in this section
    std::uint64_t realtime_ns = 0;
    std::uint32_t length = 0;  // of the frame on its way; `bytes` are the first ones of it
    std::span<const std::byte> bytes;
    Direction direction = Direction::unknown;
    std::uint64_t id = 0;            // epb_packetid; 0: none
    std::uint32_t queue_plus_1 = 0;  // epb_queue; 0: none
    std::string_view comment;
};

struct Statistics {
    std::uint32_t interface = 0;
    std::uint64_t realtime_ns = 0;
    std::uint64_t received = 0;  // isb_ifrecv
    std::uint64_t dropped = 0;   // isb_ifdrop
};

// Each appends one block, in the byte order of this machine.
void put(std::string& out, const Section& section);
void put(std::string& out, const Interface& interface);
void put(std::string& out, const Packet& packet);
void put(std::string& out, const Statistics& statistics);
// Lines FIELD=value; values without line ends.
void put_journal(std::string& out, std::string_view fields);
// Any other block: `body` is padded.
void put_block(std::string& out, std::uint32_t type, std::string_view body);

struct Block {
    std::uint32_t type = 0;
    std::string_view body;  // between the two lengths, padding included
};

// The block at the start of `bytes`, and its whole length. `swapped`: the section is of the other byte order; set where
// the block is a section header. Errors: nothing where more bytes are needed, else what is wrong.
struct Incomplete {
    std::uint32_t need = 0;        // so many bytes at least
    std::string_view damage = {};  // not empty: this is no block
};
tl::expected<Block, Incomplete> take_block(std::string_view bytes, bool& swapped);
// Whether a section may begin with these bytes, which are too few for its header's block.
bool is_section_start(std::string_view bytes);
std::uint32_t block_length(const Block& block);

// The body of an interface description or an enhanced packet block; nothing where it makes no sense. Views into `body`.
// Of the options: name and description; direction.
std::optional<Interface> parse_interface(std::string_view body, bool swapped);
std::optional<Packet> parse_packet(std::string_view body, bool swapped);

}  // namespace sockray::pcapng
