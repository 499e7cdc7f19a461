#include "user/report/socket_words.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <iterator>

#include "user/base/format.h"

namespace sockray {

std::string fanout_mode(std::uint8_t type) {
    static constexpr std::string_view names[] = {"hash", "lb", "cpu", "rollover", "rnd", "qm", "cbpf", "ebpf"};
    static_assert(PACKET_FANOUT_EBPF == 7);
    return type < std::size(names) ? std::string(names[type]) : fmt::format("{}", type);
}

std::vector<std::string_view> fanout_flags(std::uint8_t flags) {
    constexpr unsigned ignore_outgoing = 0x4000;  // PACKET_FANOUT_FLAG_IGNORE_OUTGOING, since 6.2
    std::vector<std::string_view> names;
    const unsigned all = static_cast<unsigned>(flags) << 8;
    if (all & PACKET_FANOUT_FLAG_ROLLOVER) names.emplace_back("rollover");
    if (all & PACKET_FANOUT_FLAG_UNIQUEID) names.emplace_back("uniqueid");
    if (all & ignore_outgoing) names.emplace_back("ignore_outgoing");
    if (all & PACKET_FANOUT_FLAG_DEFRAG) names.emplace_back("defrag");
    return names;
}

// enum tpacket_versions
unsigned version_of(const sr_socket_entry& entry) {
    return entry.tp_version + 1;
}

bool is_rx_v3(const sr_socket_entry& entry, const sr_socket_ring& ring) {
    return entry.tp_version == TPACKET_V3 && &ring == &entry.rx_ring;
}

// packet_rcv_spkt(), which receives for SOCK_PACKET, keeps no statistics.
bool counts_packets(const sr_socket_entry& entry) {
    return entry.sock_type != SOCK_PACKET;
}

}  // namespace sockray
