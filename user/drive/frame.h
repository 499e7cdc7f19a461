// The frames that the driver sends.
//
// Where sockray makes them itself they carry the cookie by which the kernel side knows the send, at one offset for all
// frames of a run, behind the headers:
//
//   offset c   8  magic of the run, host byte order
//        c+8   8  number of the send, host byte order
//       c+16   .  each byte is the low byte of its offset in the frame
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/result.h"
#include "user/drive/interface.h"

namespace sockray {

inline constexpr std::size_t ethernet_header_size = 14;
inline constexpr std::size_t cookie_size = 16;
inline constexpr std::size_t default_frame_size = 60;  // the least that Ethernet carries, without the checksum
inline constexpr std::size_t max_frame_size = 65535 + ethernet_header_size;
inline constexpr std::size_t vnet_hdr_size = 10;  // struct virtio_net_hdr, which linux/virtio_net.h has not for C++

using MacAddress = std::array<std::uint8_t, 6>;

// Locally administered and unicast, so that no host takes the frame for its own and none is woken by it, as
// all are by a broadcast; the last five bytes spell "sockr" in a capture.
inline constexpr MacAddress frame_destination = {0x02, 's', 'o', 'c', 'k', 'r'};

enum class FrameKind {
    ethernet,  // ethertype 0x88b5, IEEE 802 local experimental 1 (ETH_P_802_EX1)
    arp,       // a request for `destination`; the number stands behind it
    ipv4,      // protocol 253, for experimentation (RFC 3692)
    ipv6,      // the same
    udp,       // over IPv4
    udp6,      // over IPv6
    tcp,       // a segment with ACK, over IPv4
    tcp6       // over IPv6
};

// As on the command line: "ethernet", "udp6".
std::string_view frame_name(FrameKind kind);

// Least to most bytes, Ethernet header included: the sizes of sends 1, 2, 3 ... go up by one and begin again.
struct SizeRange {
    std::size_t least = 0;  // 0: default_frame_size, or what the template needs
    std::size_t most = 0;
};

// What is not said has a default.
struct FrameSpec {
    FrameKind kind = FrameKind::ethernet;
    SizeRange size;
    std::optional<MacAddress> source_mac;       // the interface's own
    std::optional<MacAddress> destination_mac;  // frame_destination
    std::string source;       // 192.0.2.1, 2001:db8::1: addresses for documentation, which lead nowhere
    std::string destination;  // 192.0.2.2, 2001:db8::2
    std::optional<std::uint16_t> source_port;       // 49152
    std::optional<std::uint16_t> destination_port;  // 9, discard
    std::optional<std::uint16_t> vlan;              // 802.1Q, 1 to 4094
    // Segmentation offload: payload bytes of a segment. Then the checksum is left to the device too, and the header for
    // it stands in vnet_header(). 0: none.
    std::uint16_t gso = 0;
};

// The number in each frame, where the kernel side finds it.
struct Cookie {
    std::uint64_t magic = 0;
    std::size_t offset = 0;  // bytes from the frame's start
};

// The frames of a run, by number. Immutable: all threads share one.
class FrameSource {
  public:
    FrameSource() = default;
    virtual ~FrameSource() = default;
    FrameSource(const FrameSource&) = delete;
    FrameSource& operator=(const FrameSource&) = delete;
    FrameSource(FrameSource&&) = delete;
    FrameSource& operator=(FrameSource&&) = delete;

    // Bytes of the longest and of the shortest frame.
    virtual std::size_t longest() const = 0;
    virtual std::size_t shortest() const = 0;

    // Writes the frame of send `number` (1, 2, 3 ...) to where longest() bytes are; returns its size.
    virtual std::size_t compose(std::uint64_t number, std::span<std::uint8_t> to) const = 0;

    // None where the frames are sent as they are.
    virtual std::optional<Cookie> cookie() const = 0;

    // When send `number` is due by the frames' own times, in ns from send 1. 0 where they have none.
    virtual std::uint64_t due_ns(std::uint64_t number) const = 0;

    // What stands before each frame on a socket with PACKET_VNET_HDR.
    virtual std::array<std::uint8_t, vnet_hdr_size> vnet_header() const = 0;
};

// "02:00:00:00:00:01"; `usage` for anything else.
Result<MacAddress> parse_mac(std::string_view text);

// "60" or "60-1514", bytes; `usage` for anything else.
Result<SizeRange> parse_sizes(std::string_view text);

// Whether such a frame can be built; `usage` with the reason if not. A frame over the MTU can: the kernel refuses it
// with EMSGSIZE, which is worth seeing.
Status check_frame(const FrameSpec& spec);

// A magic for a run: random, never 0.
Result<std::uint64_t> random_cookie_magic();

// Builds the headers of all sizes. Errors (usage) as of check_frame().
Result<std::shared_ptr<const FrameSource>> make_frames(const Interface& interface, const FrameSpec& spec,
                                                       std::uint64_t cookie_magic);

}  // namespace sockray
