#include "user/report/sockets_json.h"

#include <arpa/inet.h>

#include <string_view>
#include <utility>
#include <vector>

#include "user/base/json.h"
#include "user/live/constants.h"
#include "user/report/socket_words.h"

namespace sockray {
namespace {

void append_ring(JsonObject& object, std::string_view key, const sr_socket_entry& entry, const sr_socket_ring& ring) {
    if (!ring.block_nr) {
        object.null(key);
        return;
    }
    JsonObject value = object.object(key);
    value.number("version", version_of(entry));
    value.number("block_nr", ring.block_nr);
    value.number("block_size", ring.block_size);
    value.number("frame_nr", ring.frame_nr);
    value.number("frame_size", ring.frame_size);
    if (is_rx_v3(entry, ring)) value.number("retire_blk_tov", entry.retire_blk_tov);
}

void append_fanout(JsonObject& object, const sr_socket_entry& entry) {
    if (!(entry.flags & SR_PACKET_FANOUT)) {
        object.null("fanout");
        return;
    }
    JsonObject fanout = object.object("fanout");
    fanout.number("id", entry.fanout_id);
    fanout.text("mode", fanout_mode(entry.fanout_type));
    {
        JsonArray flags = fanout.array("flags");
        for (const std::string_view flag : fanout_flags(entry.fanout_flags)) flags.text(flag);
    }
    fanout.number("members", entry.fanout_members);
    fanout.number("running", entry.fanout_running);
}

void append_processes(JsonArray processes, const std::vector<SocketHolder>& holders) {
    for (const SocketHolder& holder : holders) {
        JsonObject process = processes.object();
        process.number("pid", holder.pid);
        process.text("comm", holder.comm);
        JsonArray fds = process.array("fds");
        for (const auto fd : holder.fds) fds.number(fd);
    }
}

void append_counts(JsonObject& object, const sr_socket_entry& entry) {
    object.number("rcvbuf", entry.rcvbuf);
    object.number("wmem_alloc", entry.wmem_alloc);
    object.number("sndbuf", entry.sndbuf);
    if (counts_packets(entry)) {
        object.number("packets", entry.tp_packets);
        object.number("drops", entry.tp_drops);
    } else {
        object.null("packets");
        object.null("drops");
    }
    object.number("freeze_q_cnt", entry.tp_freeze_q_cnt);
    object.number("sk_drops", entry.sk_drops);
}

void append_options(JsonObject& object, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    object.boolean("qdisc_bypass", socket.qdisc_bypass);
    if (socket.xmit.empty())
        object.null("xmit");
    else
        object.text("xmit", socket.xmit);
    for (const auto& [key, flag] : {std::pair{"filter", SR_PACKET_FILTER},
                                    {"auxdata", SR_PACKET_AUXDATA},
                                    {"origdev", SR_PACKET_ORIGDEV},
                                    {"loss", SR_PACKET_LOSS},
                                    {"tx_has_off", SR_PACKET_TX_HAS_OFF},
                                    {"ignore_outgoing", SR_PACKET_IGNORE_OUTGOING}})
        object.boolean(key, entry.flags & flag);
    object.number("vnet_hdr_sz", entry.vnet_hdr_sz);
    object.number("timestamp", entry.tp_tstamp);
    object.number("copy_thresh", entry.copy_thresh);
    object.number("reserve", entry.tp_reserve);
    JsonObject joined = object.object("memberships");
    for (const auto& [type, name] : memberships) joined.number(name, entry.memberships[type]);
    joined.boolean("complete", !(entry.flags & SR_PACKET_MORE_MEMBERS));
}

void append_socket(JsonObject& object, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    object.text("type", "packet_socket");
    object.number("ino", entry.ino);
    object.number("netns", entry.netns_ino);
    append_processes(object.array("processes"), socket.holders);
    object.number("sock_type", entry.sock_type);
    object.number("protocol", ntohs(entry.protocol));
    object.number("ifindex", entry.ifindex);
    if (entry.ifindex != 0 && !entry.ifname[0])
        object.null("ifname");
    else
        object.text("ifname", entry.ifname);
    object.boolean("running", entry.flags & SR_PACKET_RUNNING);
    object.number("uid", entry.uid);
    object.number("rmem_alloc", entry.rmem_alloc);
    if (socket.holders.empty()) return;  // what only its holder's descriptor tells is not known
    append_counts(object, entry);
    append_ring(object, "rx_ring", entry, entry.rx_ring);
    append_ring(object, "tx_ring", entry, entry.tx_ring);
    append_fanout(object, entry);
    append_options(object, socket);
}

}  // namespace

void append_sockets_json(fmt::memory_buffer& out, const SystemSockets& found) {
    for (const SystemSocket& socket : found.sockets) {
        {
            JsonObject object(out);
            append_socket(object, socket);
        }
        out.push_back('\n');
    }
}

}  // namespace sockray
