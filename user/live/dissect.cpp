#include "user/live/dissect.h"

#include <linux/if_ether.h>
#include <tins/tins.h>

#include <memory>
#include <string_view>

#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {
namespace {

std::string arp_words(const Tins::ARP& arp) {
    const std::string asked = arp.target_ip_addr().to_string();
    const std::string tells = arp.sender_ip_addr().to_string();
    switch (arp.opcode()) {
        case Tins::ARP::REQUEST: return fmt::format("ARP who has {}, tell {}", asked, tells);
        case Tins::ARP::REPLY: return fmt::format("ARP {} is at {}", tells, arp.sender_hw_addr().to_string());
        default: return fmt::format("ARP operation {}", static_cast<unsigned>(arp.opcode()));
    }
}

std::string tcp_flags(const Tins::TCP& tcp) {
    std::string flags;
    for (const auto& [flag, letter] :
         {std::pair{Tins::TCP::SYN, 'S'}, std::pair{Tins::TCP::FIN, 'F'}, std::pair{Tins::TCP::RST, 'R'},
          std::pair{Tins::TCP::PSH, 'P'}, std::pair{Tins::TCP::ACK, '.'}})
        if (tcp.get_flag(flag)) flags += letter;
    return flags;
}

std::size_t payload_of(const Tins::PDU& header) {
    return header.inner_pdu() ? header.inner_pdu()->size() : 0;
}

// What is inside an IP header between these two.
std::string transport_words(const std::string& from, const std::string& to, Tins::PDU* inner, unsigned protocol) {
    if (const auto* udp = dynamic_cast<Tins::UDP*>(inner))
        return fmt::format("{}.{} > {}.{}: UDP, {}", from, udp->sport(), to, udp->dport(),
                           count_of(payload_of(*udp), "byte"));
    if (const auto* tcp = dynamic_cast<Tins::TCP*>(inner))
        return fmt::format("{}.{} > {}.{}: TCP [{}], {}", from, tcp->sport(), to, tcp->dport(), tcp_flags(*tcp),
                           count_of(payload_of(*tcp), "byte"));
    if (const auto* icmp = dynamic_cast<Tins::ICMP*>(inner))
        return fmt::format("{} > {}: ICMP type {}", from, to, static_cast<unsigned>(icmp->type()));
    if (const auto* icmp = dynamic_cast<Tins::ICMPv6*>(inner))
        return fmt::format("{} > {}: ICMPv6 type {}", from, to, static_cast<unsigned>(icmp->type()));
    return fmt::format("{} > {}: IP protocol {}", from, to, protocol);
}

std::string words_of(Tins::PDU* header) {
    std::string before;
    for (; header; header = header->inner_pdu()) {
        if (const auto* tag = dynamic_cast<Tins::Dot1Q*>(header)) {
            before += fmt::format("vlan {}: ", static_cast<unsigned>(tag->id()));
        } else if (const auto* arp = dynamic_cast<Tins::ARP*>(header)) {
            return before + arp_words(*arp);
        } else if (const auto* ip = dynamic_cast<Tins::IP*>(header)) {
            return before + transport_words(ip->src_addr().to_string(), ip->dst_addr().to_string(), ip->inner_pdu(),
                                            ip->protocol());
        } else if (const auto* ip6 = dynamic_cast<Tins::IPv6*>(header)) {
            return before + transport_words(ip6->src_addr().to_string(), ip6->dst_addr().to_string(), ip6->inner_pdu(),
                                            ip6->next_header());
        }
    }
    return {};  // tags alone: of what they are told by the EtherType
}

std::unique_ptr<Tins::PDU> parsed(const TapFrame& frame) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(frame.bytes.data());
    auto size = static_cast<std::uint32_t>(frame.bytes.size());
    switch (frame.interface->link_type) {
        case linktype_ethernet: return std::make_unique<Tins::EthernetII>(bytes, size);
        case linktype_linux_sll2:
            if (size < sll2_header_bytes) return nullptr;
            bytes += sll2_header_bytes;
            size -= sll2_header_bytes;
            break;
        case linktype_raw: break;
        default: return nullptr;
    }
    switch (ethertype_of(frame)) {
        case ETH_P_IP: return std::make_unique<Tins::IP>(bytes, size);
        case ETH_P_IPV6: return std::make_unique<Tins::IPv6>(bytes, size);
        case ETH_P_ARP: return std::make_unique<Tins::ARP>(bytes, size);
        default: return nullptr;
    }
}

}  // namespace

std::string dissected(const TapFrame& frame) {
    // libtins takes headers inside of headers by recursion. What loopback has is 65,550 bytes at most, and a header of
    // ours before; a recording's frames may be longer than any device's.
    constexpr std::size_t longest = (std::size_t{1} << 16) + 64;
    if (frame.bytes.size() > longest) return {};
    try {
        return words_of(parsed(frame).get());
    } catch (const std::exception&) {  // of libtins: a header that is cut off or contradicts itself
        return {};
    }
}

}  // namespace sockray
