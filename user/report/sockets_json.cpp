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

void append_fanout(JsonObject& object, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    if (!(entry.flags & SR_PACKET_FANOUT)) {
        object.null("fanout");
        return;
    }
    JsonObject fanout = object.object("fanout");
    fanout.number("id", entry.fanout_id);
    fanout.text("mode", fanout_mode(entry.fanout_type));
    if (socket.source != Source::socket) return;
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

void append_counts(JsonObject& object, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    object.number("rcvbuf", entry.rcvbuf);
    object.number("wmem_alloc", entry.wmem_alloc);
    object.number("sndbuf", entry.sndbuf);
    if (!counts_packets(entry)) {
        object.null("packets");
        object.null("drops");
    } else if (socket.source == Source::socket) {
        object.number("packets", entry.tp_packets);
        object.number("drops", entry.tp_drops);
    }
    if (socket.source == Source::socket) object.number("freeze_q_cnt", entry.tp_freeze_q_cnt);
    object.number("sk_drops", entry.sk_drops);
}

void append_memberships(JsonObject& object, const sr_socket_entry& entry) {
    JsonObject joined = object.object("memberships");
    for (const auto& [type, name] : memberships) joined.number(name, entry.memberships[type]);
    joined.boolean("complete", !(entry.flags & SR_PACKET_MORE_MEMBERS));
}

void append_options(JsonObject& object, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    const bool all = socket.source == Source::socket;
    if (all) {
        object.boolean("qdisc_bypass", socket.qdisc_bypass);
        if (socket.xmit.empty())
            object.null("xmit");
        else
            object.text("xmit", socket.xmit);
    }
    if (socket.filter_known) object.boolean("filter", entry.flags & SR_PACKET_FILTER);
    for (const auto& [key, flag] :
         {std::pair{"auxdata", SR_PACKET_AUXDATA}, {"origdev", SR_PACKET_ORIGDEV}, {"loss", SR_PACKET_LOSS}})
        object.boolean(key, entry.flags & flag);
    if (all) {
        object.boolean("tx_has_off", entry.flags & SR_PACKET_TX_HAS_OFF);
        object.boolean("ignore_outgoing", entry.flags & SR_PACKET_IGNORE_OUTGOING);
    }
    object.boolean("vnet_hdr", socket.vnet_hdr);
    if (all || !socket.vnet_hdr) object.number("vnet_hdr_sz", entry.vnet_hdr_sz);
    object.number("timestamp", entry.tp_tstamp);
    object.number("copy_thresh", entry.copy_thresh);
    object.number("reserve", entry.tp_reserve);
    if (socket.memberships_known) append_memberships(object, entry);
}

std::string_view source_word(Source source) {
    switch (source) {
        case Source::proc: return "proc";
        case Source::sock_diag: return "sock_diag";
        case Source::socket: break;
    }
    return "bpf";
}

// What its source does not tell has no key.
void append_socket(JsonObject& object, const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    object.text("type", "packet_socket");
    object.number("ino", entry.ino);
    object.number("netns", entry.netns_ino);
    append_processes(object.array("processes"), socket.holders);
    object.text("source", source_word(socket.source));
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
    if (socket.source == Source::proc) return;
    append_counts(object, socket);
    append_ring(object, "rx_ring", entry, entry.rx_ring);
    append_ring(object, "tx_ring", entry, entry.tx_ring);
    append_fanout(object, socket);
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
