#include "user/report/sockets_json.h"

#include <arpa/inet.h>

#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "user/live/constants.h"
#include "user/live/json_lines.h"
#include "user/report/socket_words.h"

namespace sockray {
namespace {

std::string_view json(bool value) {
    return value ? "true" : "false";
}

void append_json_ring(fmt::memory_buffer& out, std::string_view key, const sr_socket_entry& entry,
                      const sr_socket_ring& ring) {
    auto to = std::back_inserter(out);
    if (!ring.block_nr) {
        fmt::format_to(to, R"(,"{}":null)", key);
        return;
    }
    fmt::format_to(to, R"(,"{}":{{"version":{},"block_nr":{},"block_size":{},"frame_nr":{},"frame_size":{})", key,
                   version_of(entry), ring.block_nr, ring.block_size, ring.frame_nr, ring.frame_size);
    if (is_rx_v3(entry, ring)) fmt::format_to(to, R"(,"retire_blk_tov":{})", entry.retire_blk_tov);
    out.push_back('}');
}

void append_json_fanout(fmt::memory_buffer& out, const sr_socket_entry& entry) {
    auto to = std::back_inserter(out);
    if (!(entry.flags & SR_PACKET_FANOUT)) {
        fmt::format_to(to, R"(,"fanout":null)");
        return;
    }
    fmt::format_to(to, R"(,"fanout":{{"id":{},"mode":"{}","flags":[)", entry.fanout_id, fanout_mode(entry.fanout_type));
    const char* comma = "";
    for (const std::string_view flag : fanout_flags(entry.fanout_flags))
        fmt::format_to(to, R"({}"{}")", std::exchange(comma, ","), flag);
    fmt::format_to(to, R"(],"members":{},"running":{}}})", entry.fanout_members, entry.fanout_running);
}

void append_json_processes(fmt::memory_buffer& out, const std::vector<SocketHolder>& holders) {
    auto to = std::back_inserter(out);
    fmt::format_to(to, R"(,"processes":[)");
    const char* comma = "";
    for (const SocketHolder& holder : holders) {
        fmt::format_to(to, R"({}{{"pid":{},"comm":)", std::exchange(comma, ","), holder.pid);
        append_json_string(out, holder.comm);
        fmt::format_to(to, R"(,"fds":[{}]}})", fmt::join(holder.fds, ","));
    }
    out.push_back(']');
}

void append_json_options(fmt::memory_buffer& out, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    auto to = std::back_inserter(out);
    fmt::format_to(to, R"(,"qdisc_bypass":{},"xmit":)", json(socket.qdisc_bypass));
    if (socket.xmit.empty())
        fmt::format_to(to, "null");
    else
        append_json_string(out, socket.xmit);
    for (const auto& [key, flag] : {std::pair{"filter", SR_PACKET_FILTER},
                                    {"auxdata", SR_PACKET_AUXDATA},
                                    {"origdev", SR_PACKET_ORIGDEV},
                                    {"loss", SR_PACKET_LOSS},
                                    {"tx_has_off", SR_PACKET_TX_HAS_OFF},
                                    {"ignore_outgoing", SR_PACKET_IGNORE_OUTGOING}})
        fmt::format_to(to, R"(,"{}":{})", key, json(entry.flags & flag));
    fmt::format_to(to, R"(,"vnet_hdr_sz":{},"timestamp":{},"copy_thresh":{},"reserve":{},"memberships":{{)",
                   entry.vnet_hdr_sz, entry.tp_tstamp, entry.copy_thresh, entry.tp_reserve);
    for (const auto& [type, name] : memberships) fmt::format_to(to, R"("{}":{},)", name, entry.memberships[type]);
    fmt::format_to(to, R"("complete":{}}})", json(!(entry.flags & SR_PACKET_MORE_MEMBERS)));
}

void append_json_socket(fmt::memory_buffer& out, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    auto to = std::back_inserter(out);
    fmt::format_to(to, R"({{"type":"packet_socket","ino":{},"netns":{})", entry.ino, entry.netns_ino);
    append_json_processes(out, socket.holders);
    fmt::format_to(to, R"(,"sock_type":{},"protocol":{},"ifindex":{},"ifname":)", entry.sock_type,
                   ntohs(entry.protocol), entry.ifindex);
    if (entry.ifindex != 0 && !entry.ifname[0])
        fmt::format_to(to, "null");
    else
        append_json_string(out, entry.ifname);
    fmt::format_to(to, R"(,"running":{},"uid":{},"rmem_alloc":{})", json(entry.flags & SR_PACKET_RUNNING), entry.uid,
                   entry.rmem_alloc);
    if (!socket.holders.empty()) {
        fmt::format_to(to, R"(,"rcvbuf":{},"wmem_alloc":{},"sndbuf":{})", entry.rcvbuf, entry.wmem_alloc, entry.sndbuf);
        if (counts_packets(entry))
            fmt::format_to(to, R"(,"packets":{},"drops":{})", entry.tp_packets, entry.tp_drops);
        else
            fmt::format_to(to, R"(,"packets":null,"drops":null)");
        fmt::format_to(to, R"(,"freeze_q_cnt":{},"sk_drops":{})", entry.tp_freeze_q_cnt, entry.sk_drops);
        append_json_ring(out, "rx_ring", entry, entry.rx_ring);
        append_json_ring(out, "tx_ring", entry, entry.tx_ring);
        append_json_fanout(out, entry);
        append_json_options(out, socket);
    }
    fmt::format_to(to, "}}\n");
}

}  // namespace

void append_sockets_json(fmt::memory_buffer& out, const SystemSockets& found) {
    for (const SystemSocket& socket : found.sockets) append_json_socket(out, socket);
}

}  // namespace sockray
