#include "user/drive/frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <sys/random.h>
#include <tins/tins.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "user/base/format.h"

namespace sockray {

static_assert(ethernet_header_size == ETH_HLEN);
static_assert(default_frame_size == ETH_ZLEN);

namespace {

constexpr std::size_t vlan_size = 4;
constexpr std::uint8_t experimental_protocol = 253;  // RFC 3692
constexpr std::uint16_t default_source_port = 49152;
constexpr std::uint16_t discard_port = 9;
constexpr std::uint16_t highest_vlan = 4094;

// struct virtio_net_hdr, include/uapi/linux/virtio_net.h; little endian as the host on both architectures here.
struct VnetHeader {
    std::uint8_t flags = 0;
    std::uint8_t gso_type = 0;
    std::uint16_t hdr_len = 0;
    std::uint16_t gso_size = 0;
    std::uint16_t csum_start = 0;
    std::uint16_t csum_offset = 0;
};
static_assert(sizeof(VnetHeader) == vnet_hdr_size);
constexpr std::uint8_t needs_csum = 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM
constexpr std::uint8_t gso_tcpv4 = 1;   // VIRTIO_NET_HDR_GSO_*
constexpr std::uint8_t gso_tcpv6 = 4;
constexpr std::uint8_t gso_udp_l4 = 5;

enum class Transport { none, udp, tcp };

struct Kind {
    std::string_view name;
    int family;  // of its addresses; 0: has none
    Transport transport;
    std::size_t headers;  // bytes behind the Ethernet header
};

// By FrameKind.
constexpr std::array<Kind, 8> kinds = {{
    {"ethernet", 0, Transport::none, 0},
    {"arp", AF_INET, Transport::none, 28},
    {"ipv4", AF_INET, Transport::none, 20},
    {"ipv6", AF_INET6, Transport::none, 40},
    {"udp", AF_INET, Transport::udp, 20 + 8},
    {"udp6", AF_INET6, Transport::udp, 40 + 8},
    {"tcp", AF_INET, Transport::tcp, 20 + 20},
    {"tcp6", AF_INET6, Transport::tcp, 40 + 20},
}};

const Kind& kind_of(const FrameSpec& spec) {
    return kinds[static_cast<std::size_t>(spec.kind)];
}

std::size_t network_offset(const FrameSpec& spec) {
    return ethernet_header_size + (spec.vlan ? vlan_size : 0);
}

std::size_t headers_size(const FrameSpec& spec) {
    return network_offset(spec) + kind_of(spec).headers;
}

std::size_t transport_offset(const FrameSpec& spec) {
    return network_offset(spec) + (kind_of(spec).family == AF_INET6 ? 40 : 20);
}

std::size_t checksum_offset(const FrameSpec& spec) {
    return transport_offset(spec) + (kind_of(spec).transport == Transport::udp ? 6 : 16);
}

SizeRange sizes_of(const FrameSpec& spec) {
    if (spec.size.least) return spec.size;
    const std::size_t size = std::max(default_frame_size, headers_size(spec) + cookie_size);
    return {size, size};
}

// The sum of RFC 1071, over words as they lie in memory: it comes out right in any byte order.
std::uint32_t add_words(std::uint32_t sum, std::span<const std::uint8_t> bytes) {
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
        std::uint16_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        sum += word;
    }
    return sum;
}

std::uint16_t folded(std::uint32_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// Of the pseudo header of a UDP or TCP frame: what stands in the checksum field when a device is to do the rest.
std::uint16_t pseudo_sum(const FrameSpec& spec, std::span<const std::uint8_t> frame) {
    const bool v6 = kind_of(spec).family == AF_INET6;
    const auto addresses =
        v6 ? frame.subspan(network_offset(spec) + 8, 32) : frame.subspan(network_offset(spec) + 12, 8);
    const std::uint32_t length = htons(static_cast<std::uint16_t>(frame.size() - transport_offset(spec)));
    const std::uint32_t protocol = htons(kind_of(spec).transport == Transport::udp ? IPPROTO_UDP : IPPROTO_TCP);
    return folded(add_words(length + protocol, addresses));
}

bool is_address(int family, const std::string& text) {
    std::array<std::uint8_t, 16> address{};
    return ::inet_pton(family, text.c_str(), address.data()) == 1;
}

Status check_address(const FrameSpec& spec, const char* option, const std::string& text) {
    const Kind& kind = kind_of(spec);
    if (text.empty()) return {};
    if (kind.family == 0)
        return usage(
            fmt::format("{} has no place in a frame of the template {}: it has no addresses but those of Ethernet",
                        option, kind.name),
            "use --frame arp, ipv4, udp, tcp or ipv6, udp6, tcp6, or --src-mac and --dst-mac");
    if (!is_address(kind.family, text))
        return usage(fmt::format("'{}' is no {} address, as {} in the template {} must be", text,
                                 kind.family == AF_INET ? "IPv4" : "IPv6", option, kind.name));
    return {};
}

Status check_sizes(const FrameSpec& spec) {
    const SizeRange size = sizes_of(spec);
    const std::size_t least = headers_size(spec) + cookie_size;
    if (size.least < least)
        return usage(
            fmt::format("a frame of {} bytes is too short: the template {} needs at least {}, {} of headers and {} "
                        "that carry the send's number",
                        size.least, kind_of(spec).name, least, headers_size(spec), cookie_size));
    if (size.most > max_frame_size)
        return usage(fmt::format("a frame of {} bytes is too long: at most {} can be sent", size.most, max_frame_size));
    if (size.most < size.least)
        return usage(fmt::format("sizes go up: {}-{} is the wrong way round", size.least, size.most));
    return {};
}

Tins::HWAddress<6> hardware_address(const MacAddress& address) {
    return Tins::HWAddress<6>(address.data());
}

std::string or_default(const std::string& text, const char* otherwise) {
    return text.empty() ? otherwise : text;
}

// The packet behind the Ethernet header, with its payload.
std::unique_ptr<Tins::PDU> network_packet(const FrameSpec& spec, const MacAddress& source_mac,
                                          const Tins::RawPDU& payload) {
    const Kind& kind = kind_of(spec);
    const bool v6 = kind.family == AF_INET6;
    const std::string from = or_default(spec.source, v6 ? "2001:db8::1" : "192.0.2.1");
    const std::string to = or_default(spec.destination, v6 ? "2001:db8::2" : "192.0.2.2");
    const std::uint16_t from_port = spec.source_port.value_or(default_source_port);
    const std::uint16_t to_port = spec.destination_port.value_or(discard_port);
    if (kind.family == 0) return std::unique_ptr<Tins::PDU>(payload.clone());
    std::unique_ptr<Tins::PDU> packet;
    if (spec.kind == FrameKind::arp) {
        auto arp = std::make_unique<Tins::ARP>(to, from, Tins::HWAddress<6>(), hardware_address(source_mac));
        arp->opcode(Tins::ARP::REQUEST);
        packet = std::move(arp);
    } else if (v6) {
        auto ip = std::make_unique<Tins::IPv6>(to, from);
        ip->hop_limit(64);
        ip->next_header(experimental_protocol);  // libtins puts another one where it knows what follows
        packet = std::move(ip);
    } else {
        auto ip = std::make_unique<Tins::IP>(to, from);
        ip->ttl(64);
        ip->protocol(experimental_protocol);
        packet = std::move(ip);
    }
    if (kind.transport == Transport::udp) packet->inner_pdu(Tins::UDP(to_port, from_port) / payload);
    if (kind.transport == Transport::tcp) {
        Tins::TCP tcp(to_port, from_port);
        tcp.flags(Tins::TCP::ACK);
        packet->inner_pdu(tcp / payload);
    }
    if (kind.transport == Transport::none) packet->inner_pdu(payload);
    return packet;
}

// A whole frame with number 0.
std::vector<std::uint8_t> build(const Interface& interface, const FrameSpec& spec, std::uint64_t magic,
                                std::size_t size) {
    const std::size_t headers = headers_size(spec);
    std::vector<std::uint8_t> payload(size - headers);
    for (std::size_t i = cookie_size; i < payload.size(); ++i) payload[i] = static_cast<std::uint8_t>(headers + i);
    std::memcpy(payload.data(), &magic, sizeof magic);

    const MacAddress from = spec.source_mac.value_or(interface.address);
    Tins::EthernetII frame(hardware_address(spec.destination_mac.value_or(frame_destination)), hardware_address(from));
    frame.payload_type(ETH_P_802_EX1);
    const auto packet = network_packet(spec, from, Tins::RawPDU(payload.begin(), payload.end()));
    if (spec.vlan) {
        Tins::Dot1Q tag(*spec.vlan, false);
        tag.payload_type(ETH_P_802_EX1);
        tag.inner_pdu(*packet);
        frame.inner_pdu(tag);
    } else {
        frame.inner_pdu(*packet);
    }
    std::vector<std::uint8_t> bytes = frame.serialize();
    bytes.resize(size);  // libtins pads to 60
    return bytes;
}

// Header by header for each size; the filling is the same for all.
class TemplateFrames final : public FrameSource {
  public:
    TemplateFrames(const Interface& interface, const FrameSpec& spec, std::uint64_t magic)
        : spec_(spec), size_(sizes_of(spec)), headers_(headers_size(spec)), magic_(magic) {
        std::vector<std::uint8_t> frame;
        for (std::size_t size = size_.least; size <= size_.most; ++size) {
            frame = build(interface, spec, magic, size);
            if (spec.gso) {
                const std::uint16_t sum = pseudo_sum(spec, frame);
                std::memcpy(frame.data() + checksum_offset(spec), &sum, sizeof sum);
            }
            header_bytes_.insert(header_bytes_.end(), frame.begin(),
                                 frame.begin() + static_cast<std::ptrdiff_t>(headers_));
        }
        rest_.assign(frame.begin() + static_cast<std::ptrdiff_t>(headers_), frame.end());
    }

    std::size_t longest() const override { return size_.most; }
    std::size_t shortest() const override { return size_.least; }

    std::size_t compose(std::uint64_t number, std::span<std::uint8_t> to) const override {
        const std::size_t which = (number - 1) % (size_.most - size_.least + 1);
        const std::size_t size = size_.least + which;
        std::memcpy(to.data(), header_bytes_.data() + which * headers_, headers_);
        std::memcpy(to.data() + headers_, rest_.data(), size - headers_);
        std::memcpy(to.data() + headers_ + sizeof magic_, &number, sizeof number);
        if (kind_of(spec_).transport != Transport::none && !spec_.gso) add_to_checksum(to, number);
        return size;
    }

    std::optional<Cookie> cookie() const override { return Cookie{magic_, headers_}; }

    std::uint64_t due_ns(std::uint64_t) const override { return 0; }

    std::array<std::uint8_t, vnet_hdr_size> vnet_header() const override {
        VnetHeader header;
        const Kind& kind = kind_of(spec_);
        if (spec_.gso) {
            header.flags = needs_csum;
            header.gso_type = kind.transport == Transport::udp ? gso_udp_l4
                              : kind.family == AF_INET6        ? gso_tcpv6
                                                               : gso_tcpv4;
            // What packet_snd() keeps in one piece of memory: the number with the headers, so that it can be read back.
            header.hdr_len = static_cast<std::uint16_t>(headers_ + cookie_size);
            header.gso_size = spec_.gso;
            header.csum_start = static_cast<std::uint16_t>(transport_offset(spec_));
            header.csum_offset = static_cast<std::uint16_t>(checksum_offset(spec_) - transport_offset(spec_));
        }
        std::array<std::uint8_t, vnet_hdr_size> bytes{};
        std::memcpy(bytes.data(), &header, sizeof header);
        return bytes;
    }

  private:
    // The checksum was made with number 0: the number's words are added to what it is the complement of (RFC 1624).
    void add_to_checksum(std::span<std::uint8_t> frame, std::uint64_t number) const {
        std::uint8_t* const at = frame.data() + checksum_offset(spec_);
        std::array<std::uint8_t, sizeof number> words{};
        std::memcpy(words.data(), &number, sizeof number);
        std::uint16_t sum = 0;
        std::memcpy(&sum, at, sizeof sum);
        sum = static_cast<std::uint16_t>(~folded(add_words(static_cast<std::uint16_t>(~sum), words)));
        if (sum == 0 && kind_of(spec_).transport == Transport::udp) sum = 0xffff;  // 0 would mean that there is none
        std::memcpy(at, &sum, sizeof sum);
    }

    FrameSpec spec_;
    SizeRange size_;
    std::size_t headers_;
    std::uint64_t magic_;
    std::vector<std::uint8_t> header_bytes_;  // of each size, one behind the other
    std::vector<std::uint8_t> rest_;          // of the longest frame, what follows the headers
};

}  // namespace

std::string_view frame_name(FrameKind kind) {
    return kinds[static_cast<std::size_t>(kind)].name;
}

Result<MacAddress> parse_mac(std::string_view text) {
    constexpr std::size_t length = 17;
    MacAddress address{};
    bool good = text.size() == length;
    for (std::size_t i = 0; good && i < address.size(); ++i) {
        const char* const at = text.data() + 3 * i;
        const auto [end, error] = std::from_chars(at, at + 2, address[i], 16);
        good = error == std::errc{} && end == at + 2 && (i + 1 == address.size() || at[2] == ':');
    }
    if (!good) return usage(fmt::format("'{}' is no Ethernet address such as 02:00:00:00:00:01", text));
    return address;
}

Result<SizeRange> parse_sizes(std::string_view text) {
    const auto number = [](std::string_view digits, std::size_t& value) {
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return error == std::errc{} && end == digits.data() + digits.size() && value > 0;
    };
    SizeRange range;
    const std::size_t dash = text.find('-');
    bool good = number(text.substr(0, dash), range.least);
    if (dash == std::string_view::npos)
        range.most = range.least;
    else
        good = good && number(text.substr(dash + 1), range.most);
    if (!good)
        return usage(
            fmt::format("'{}' is no size in bytes (from 30 on) such as 60, and no range such as 60-1514", text));
    return range;
}

Status check_frame(const FrameSpec& spec) {
    if (spec.vlan && (*spec.vlan == 0 || *spec.vlan > highest_vlan))
        return usage(fmt::format("{} is no VLAN: 1 to {} are", *spec.vlan, highest_vlan));
    if (Status address = check_address(spec, "--src", spec.source); !address) return address;
    if (Status address = check_address(spec, "--dst", spec.destination); !address) return address;
    const bool has_ports = kind_of(spec).transport != Transport::none;
    if ((spec.source_port || spec.destination_port) && !has_ports)
        return usage(fmt::format("{} has no place in a frame of the template {}: it has no ports",
                                 spec.source_port ? "--sport" : "--dport", kind_of(spec).name),
                     "use --frame udp, udp6, tcp or tcp6");
    if (spec.gso && !has_ports)
        return usage(
            fmt::format("frames of the template {} cannot be segmented: the kernel does it for UDP and TCP only "
                        "(include/linux/virtio_net.h, virtio_net_hdr_to_skb)",
                        kind_of(spec).name),
            "use --frame udp, udp6, tcp or tcp6");
    return check_sizes(spec);
}

Result<std::uint64_t> random_cookie_magic() {
    std::uint64_t magic = 0;
    // Up to 256 bytes come whole or not at all (getrandom(2)).
    while (magic == 0)
        if (::getrandom(&magic, sizeof magic, 0) < 0 && errno != EINTR)
            return fail(fmt::format("cannot make a random number for the run: getrandom: {}", errno_text(errno)));
    return magic;
}

Result<std::shared_ptr<const FrameSource>> make_frames(const Interface& interface, const FrameSpec& spec,
                                                       std::uint64_t cookie_magic) {
    if (Status valid = check_frame(spec); !valid) return tl::unexpected(valid.error());
    if (cookie_magic == 0) return fail("the run has no cookie magic: 0 marks frames that are not sockray's");
    try {
        return std::make_shared<TemplateFrames>(interface, spec, cookie_magic);
    } catch (const std::exception& error) {  // of libtins, which is asked for nothing that it would refuse
        return fail(fmt::format("cannot build a frame of the template {}: {}", kind_of(spec).name, error.what()));
    }
}

}  // namespace sockray
