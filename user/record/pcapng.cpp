#include "user/record/pcapng.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

namespace sockray::pcapng {
namespace {

constexpr std::uint16_t opt_end = 0;
constexpr std::uint16_t opt_comment = 1;
constexpr std::uint16_t shb_hardware = 2;
constexpr std::uint16_t shb_os = 3;
constexpr std::uint16_t shb_userappl = 4;
constexpr std::uint16_t if_name = 2;
constexpr std::uint16_t if_description = 3;
constexpr std::uint16_t if_tsresol = 9;
constexpr std::uint16_t isb_ifrecv = 4;
constexpr std::uint16_t isb_ifdrop = 5;
constexpr std::uint16_t epb_flags = 2;
constexpr std::uint16_t epb_packetid = 5;
constexpr std::uint16_t epb_queue = 6;

constexpr std::uint8_t nanoseconds = 9;  // if_tsresol: 10^-9
constexpr std::size_t longest_option = 65535;
constexpr std::uint32_t around = 12;     // type, length, length
constexpr std::size_t packet_head = 28;  // type, length, interface, time, both lengths of the frame
constexpr std::size_t option_head = 4;

template <typename Integer>
void add(std::string& out, Integer value) {
    static_assert(std::is_integral_v<Integer>);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::size_t padded(std::size_t size) {
    return (size + 3) / 4 * 4;
}

void pad(std::string& out, std::size_t size) {
    if (padded(size) != size) out.append(padded(size) - size, '\0');
}

void add_option(std::string& out, std::uint16_t code, std::string_view value) {
    value = value.substr(0, longest_option);
    add(out, code);
    add(out, static_cast<std::uint16_t>(value.size()));
    out.append(value);
    pad(out, value.size());
}

void add_text(std::string& out, std::uint16_t code, std::string_view text) {
    if (!text.empty()) add_option(out, code, text);
}

template <typename Integer>
void add_number(std::string& out, std::uint16_t code, Integer value) {
    add_option(out, code, {reinterpret_cast<const char*>(&value), sizeof value});
}

// Begins a block when made and ends it when it goes.
class Open {
  public:
    Open(std::string& out, std::uint32_t type) : out_(out), start_(out.size()) {
        add(out_, type);
        add(out_, std::uint32_t{0});
    }
    ~Open() {
        const auto length = static_cast<std::uint32_t>(out_.size() - start_ + sizeof(std::uint32_t));
        std::memcpy(out_.data() + start_ + sizeof(std::uint32_t), &length, sizeof length);
        add(out_, length);
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

  private:
    std::string& out_;
    std::size_t start_;
};

// A few numbers that are appended at once: each append() looks for room, and a small frame has more numbers around it
// than bytes.
class Numbers {
  public:
    template <typename Integer>
    void add(Integer value) {
        static_assert(std::is_integral_v<Integer>);
        std::memcpy(bytes_.data() + size_, &value, sizeof value);
        size_ += sizeof value;
    }
    template <typename Integer>
    void add_option(std::uint16_t code, Integer value) {
        static_assert(sizeof value % 4 == 0);  // no padding
        add(code);
        add(static_cast<std::uint16_t>(sizeof value));
        add(value);
    }
    void add_option_end() { add(std::uint32_t{opt_end}); }
    std::string_view view() const { return {bytes_.data(), size_}; }

  private:
    std::array<char, 64> bytes_;
    std::size_t size_ = 0;
};

void add_time(std::string& out, std::uint64_t ns) {
    add(out, static_cast<std::uint32_t>(ns >> 32));
    add(out, static_cast<std::uint32_t>(ns));
}

std::uint32_t word_at(std::string_view bytes, std::size_t offset, bool swapped) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + offset, sizeof word);
    return swapped ? __builtin_bswap32(word) : word;
}

}  // namespace

void put(std::string& out, const Section& section) {
    const Open block(out, section_header);
    add(out, byte_order_magic);
    add(out, std::uint16_t{1});  // version 1.0
    add(out, std::uint16_t{0});
    add(out, std::int64_t{-1});  // of unknown length
    add_text(out, shb_hardware, section.hardware);
    add_text(out, shb_os, section.system);
    add_text(out, shb_userappl, section.application);
    add_option(out, opt_end, {});
}

void put(std::string& out, const Interface& interface) {
    const Open block(out, interface_description);
    add(out, interface.link_type);
    add(out, std::uint16_t{0});
    add(out, interface.snaplen);
    add_text(out, if_name, interface.name);
    add_text(out, if_description, interface.description);
    add_number(out, if_tsresol, nanoseconds);
    add_option(out, opt_end, {});
}

void put(std::string& out, const Packet& packet) {
    const std::size_t kept = packet.bytes.size();
    const std::string_view comment = packet.comment.substr(0, longest_option);
    Numbers options;
    if (packet.direction != Direction::unknown)
        options.add_option(epb_flags, std::uint32_t{packet.direction == Direction::in ? 1U : 2U});
    if (packet.id) options.add_option(epb_packetid, packet.id);
    if (packet.queue_plus_1) options.add_option(epb_queue, packet.queue_plus_1 - 1);
    options.add_option_end();
    std::size_t length = packet_head + padded(kept) + options.view().size() + sizeof(std::uint32_t);
    if (!comment.empty()) length += option_head + padded(comment.size());
    options.add(static_cast<std::uint32_t>(length));

    Numbers head;
    head.add(enhanced_packet);
    head.add(static_cast<std::uint32_t>(length));
    head.add(packet.interface);
    head.add(static_cast<std::uint32_t>(packet.realtime_ns >> 32));
    head.add(static_cast<std::uint32_t>(packet.realtime_ns));
    head.add(static_cast<std::uint32_t>(kept));
    head.add(packet.length);
    out.append(head.view());
    out.append(reinterpret_cast<const char*>(packet.bytes.data()), kept);
    pad(out, kept);
    add_text(out, opt_comment, comment);
    out.append(options.view());
}

void put(std::string& out, const Statistics& statistics) {
    const Open block(out, interface_statistics);
    add(out, statistics.interface);
    add_time(out, statistics.realtime_ns);
    add_number(out, isb_ifrecv, statistics.received);
    add_number(out, isb_ifdrop, statistics.dropped);
    add_option(out, opt_end, {});
}

void put_journal(std::string& out, std::string_view fields) {
    put_block(out, journal_export, fields);
}

void put_block(std::string& out, std::uint32_t type, std::string_view body) {
    const Open block(out, type);
    out.append(body);
    pad(out, body.size());
}

tl::expected<Block, Incomplete> take_block(std::string_view bytes, bool& swapped) {
    if (bytes.size() < around) return tl::unexpected(Incomplete{around});
    // A section header's type reads the same both ways, and its magic tells which way the rest is.
    if (word_at(bytes, 0, false) == section_header) {
        const std::uint32_t magic = word_at(bytes, 8, false);
        if (magic != byte_order_magic && magic != __builtin_bswap32(byte_order_magic))
            return tl::unexpected(Incomplete{0, "a section of no known byte order"});
        swapped = magic != byte_order_magic;
    }
    const std::uint32_t length = word_at(bytes, 4, swapped);
    if (length < around || length % 4 != 0 || length > longest_block)
        return tl::unexpected(Incomplete{0, "a block whose length cannot be"});
    if (bytes.size() < length) return tl::unexpected(Incomplete{length});
    if (word_at(bytes, length - 4, swapped) != length)
        return tl::unexpected(Incomplete{0, "a block that says two lengths"});
    return Block{word_at(bytes, 0, swapped), bytes.substr(8, length - around)};
}

bool is_section_start(std::string_view bytes) {
    return bytes.size() >= sizeof(std::uint32_t) && word_at(bytes, 0, false) == section_header;
}

std::uint32_t block_length(const Block& block) {
    return static_cast<std::uint32_t>(block.body.size()) + around;
}

namespace {

std::uint16_t half_at(std::string_view bytes, std::size_t offset, bool swapped) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + offset, sizeof half);
    return swapped ? __builtin_bswap16(half) : half;
}

// Calls `take` for each option up to the end of the list, or of what is whole of it.
template <typename TakeOption>
void each_option(std::string_view options, bool swapped, const TakeOption& take) {
    while (options.size() >= option_head) {
        const std::uint16_t code = half_at(options, 0, swapped);
        const std::size_t size = half_at(options, 2, swapped);
        const std::size_t whole = option_head + padded(size);
        if (code == opt_end || whole > options.size()) return;
        take(code, options.substr(4, size));
        options.remove_prefix(whole);
    }
}

}  // namespace

std::optional<Interface> parse_interface(std::string_view body, bool swapped) {
    constexpr std::size_t head = 8;
    if (body.size() < head) return std::nullopt;
    Interface interface {
        half_at(body, 0, swapped), word_at(body, 4, swapped), {}, {}
    };
    each_option(body.substr(head), swapped, [&](std::uint16_t code, std::string_view value) {
        if (code == if_name) interface.name = value;
        if (code == if_description) interface.description = value;
    });
    return interface;
}

std::optional<Packet> parse_packet(std::string_view body, bool swapped) {
    constexpr std::size_t head = 20;
    if (body.size() < head) return std::nullopt;
    const std::size_t captured = word_at(body, 12, swapped);
    if (captured > body.size() - head) return std::nullopt;
    Packet packet;
    packet.interface = word_at(body, 0, swapped);
    packet.realtime_ns = std::uint64_t{word_at(body, 4, swapped)} << 32 | word_at(body, 8, swapped);
    packet.length = word_at(body, 16, swapped);
    packet.bytes = std::as_bytes(std::span(body.substr(head, captured)));
    const std::size_t room = std::min(padded(captured), body.size() - head);
    each_option(body.substr(head + room), swapped, [&](std::uint16_t code, std::string_view value) {
        if (code != epb_flags || value.size() != sizeof(std::uint32_t)) return;
        constexpr std::uint32_t direction = 3;
        const std::uint32_t flags = word_at(value, 0, swapped) & direction;
        if (flags == 1 || flags == 2) packet.direction = flags == 1 ? Direction::in : Direction::out;
    });
    return packet;
}

}  // namespace sockray::pcapng
