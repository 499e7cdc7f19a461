#include "user/report/sockets_text.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/base/paragraph.h"
#include "user/base/words.h"
#include "user/live/constants.h"
#include "user/report/socket_words.h"

namespace sockray {
namespace {

std::string size_text(std::uint32_t bytes) {
    constexpr std::uint32_t kib = 1 << 10;
    constexpr std::uint32_t mib = 1 << 20;
    if (bytes >= mib && bytes % mib == 0) return fmt::format("{} MiB", bytes / mib);
    if (bytes >= kib && bytes % kib == 0) return fmt::format("{} KiB", bytes / kib);
    return count_of(bytes, "byte");
}

std::string ring_text(const sr_socket_entry& entry, const sr_socket_ring& ring) {
    const std::string blocks = fmt::format("{} of {}", count_of(ring.block_nr, "block"), size_text(ring.block_size));
    if (is_rx_v3(entry, ring)) return fmt::format("TPACKET_V3, {}, retired after {} ms", blocks, entry.retire_blk_tov);
    return fmt::format("TPACKET_V{}, {} of {} bytes in {}", version_of(entry), count_of(ring.frame_nr, "frame"),
                       ring.frame_size, blocks);
}

std::string fanout_text(const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    std::string text = fmt::format("group {}, {}", entry.fanout_id, fanout_mode(entry.fanout_type));
    if (socket.source != Source::socket) return text;
    for (const std::string_view flag : fanout_flags(entry.fanout_flags)) text.append(" + ").append(flag);
    text += fmt::format(", {}", count_of(entry.fanout_members, "member"));
    if (entry.fanout_running != entry.fanout_members) text += fmt::format(", {} running", entry.fanout_running);
    return text;
}

// What is not as it is in a new socket.
std::string options_text(const SystemSocket& socket) {
    const sr_socket_entry& entry = socket.entry;
    std::string text;
    const auto add = [&text](std::string_view word) { text.append(text.empty() ? "" : ", ").append(word); };
    if (socket.qdisc_bypass) add("qdisc bypass");
    if (entry.flags & SR_PACKET_FILTER) add("filter");
    if (entry.vnet_hdr_sz)
        add(fmt::format("virtio-net header of {} bytes", entry.vnet_hdr_sz));
    else if (socket.vnet_hdr)
        add("virtio-net header");
    if (entry.flags & SR_PACKET_AUXDATA) add("auxdata");
    if (entry.flags & SR_PACKET_ORIGDEV) add("origdev");
    if (entry.flags & SR_PACKET_LOSS) add("loss");
    if (entry.flags & SR_PACKET_TX_HAS_OFF) add("tx_has_off");
    if (entry.flags & SR_PACKET_IGNORE_OUTGOING) add("ignore_outgoing");
    if (entry.tp_tstamp) add(fmt::format("timestamp {:#x}", entry.tp_tstamp));
    if (entry.copy_thresh) add(fmt::format("copy_thresh {}", entry.copy_thresh));
    if (entry.tp_reserve) add(fmt::format("reserve {}", entry.tp_reserve));
    for (const auto& [type, name] : memberships)
        if (entry.memberships[type]) add(fmt::format("{} {}", entry.memberships[type], name));
    if (entry.flags & SR_PACKET_MORE_MEMBERS) add("more memberships than were counted");
    return text;
}

// What sock_diag leaves open of this socket, and could be otherwise than it seems.
std::string unknown_text(const SystemSocket& socket) {
    std::string text = counts_packets(socket.entry) ? "packets and drops by PACKET_STATISTICS, " : "";
    text += "qdisc bypass, tx_has_off, ignore_outgoing";
    if (!socket.filter_known) text += ", whether there is a filter of eBPF";
    if (socket.vnet_hdr) text += ", size of the virtio-net header";
    if (socket.entry.flags & SR_PACKET_FANOUT) text += ", flags and members of the fanout group";
    if (!socket.memberships_known) text += ", memberships";
    return text + ": sock_diag does not tell them";
}

std::string unheld_text(const SystemSocket& socket, bool without_packet_diag) {
    std::string text =
        "no descriptor of a process in sight: in flight over a Unix socket, kept by io_uring or the kernel";
    if (socket.source != Source::proc) return text;
    text += "; /proc/net/packet says no more than this";
    if (without_packet_diag) text += ", and sock_diag lacks its module af_packet_diag";
    return text;
}

std::string fds_text(const SocketHolder& holder) {
    std::string text = holder.fds.size() == 1 ? "fd" : "fds";
    const char* before = " ";
    for (const std::uint32_t fd : holder.fds) text += fmt::format("{}{}", std::exchange(before, ", "), fd);
    return text;
}

std::string holder_text(const SocketHolder& holder, const Style& style) {
    return fmt::format("{}[{}]", printable(holder.comm, style.utf8), holder.pid);
}

std::string process_text(const SystemSocket& socket, const Style& style) {
    if (socket.holders.empty()) return "no process";
    const std::size_t others = socket.holders.size() - 1;
    return holder_text(socket.holders[0], style) + (others ? fmt::format(" +{}", others) : "");
}

std::string interface_text(const sr_socket_entry& entry, const Style& style) {
    if (entry.ifname[0]) return printable(entry.ifname, style.utf8);
    if (entry.ifindex == 0) return "any";
    return entry.ifindex < 0 ? "gone" : fmt::format("#{}", entry.ifindex);
}

// ---- the table

struct Row {
    const SystemSocket* socket;
    std::string process, type, protocol, interface, state, ino, packets, drops;
    std::string short_type, short_protocol;  // without SOCK_ and ETH_P_
};

struct Column {
    std::string_view title;
    std::string Row::*text;
    Align align;
    int width = 0;
};

constexpr int row_indent = 2;
constexpr int gap = 2;
constexpr int label_indent = 4;
constexpr int label_width = 10;

std::string without(std::string_view prefix, std::string_view text) {
    return std::string(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

Row make_row(const SystemSocket& socket, const Style& style) {
    const sr_socket_entry& entry = socket.entry;
    Row row;
    row.socket = &socket;
    row.process = process_text(socket, style);
    row.type = sock_type_text(entry.sock_type);
    row.protocol = ethertype_text(ntohs(entry.protocol));
    row.short_type = without("SOCK_", row.type);
    row.short_protocol = without("ETH_P_", row.protocol);
    row.interface = interface_text(entry, style);
    row.state = entry.flags & SR_PACKET_RUNNING ? "running" : "stopped";
    row.ino = fmt::format("{}", entry.ino);
    row.packets = row.drops = "?";
    if (!counts_packets(entry)) row.packets = "-";
    if (!counts_packets(entry) && socket.source != Source::proc) row.drops = fmt::format("{}", entry.sk_drops);
    if (counts_packets(entry) && socket.source == Source::socket) {
        row.packets = fmt::format("{}", entry.tp_packets);
        row.drops = fmt::format("{}", entry.tp_drops);
    }
    return row;
}

class Table {
  public:
    Table(const std::vector<Row>& rows, const Style& style) : style_(style) {
        for (Column& column : columns_) fit(column, rows);
        if (!style.terminal || too_wide() <= 0) return;
        std::erase_if(columns_, [](const Column& column) { return column.text == &Row::ino; });
        if (too_wide() > 0) {
            use(&Row::type, &Row::short_type, rows);
            use(&Row::protocol, &Row::short_protocol, rows);
        }
        shrink(&Row::process, 14);
        shrink(&Row::interface, 8);
    }

    // What of the row the columns do not show, or not in full, and so belongs into the lines below it.
    bool lacks(std::string Row::*text, const Row& row) const {
        const auto found = std::ranges::find(columns_, text, &Column::text);
        return found == columns_.end() || found->width < columns(row.*text);
    }

    void header(fmt::memory_buffer& out) const {
        line(out, [&](const Column& column) { return std::pair(std::string(column.title), Tone::dim); });
    }
    void row(fmt::memory_buffer& out, const Row& row) const {
        line(out, [&](const Column& column) {
            return std::pair(shortened(row.*column.text, column.width), tone(column, row));
        });
    }

  private:
    static Tone tone(const Column& column, const Row& row) {
        const std::string& text = row.*column.text;
        if (column.text == &Row::process) return row.socket->holders.empty() ? Tone::warning : Tone::bold;
        if (column.text == &Row::state) return text == "running" ? Tone::good : Tone::dim;
        if (column.text == &Row::drops) return text == "0" || text == "?" ? Tone::plain : Tone::bad;
        if (column.text == &Row::interface) return text == "gone" ? Tone::warning : Tone::plain;
        return Tone::plain;
    }

    int too_wide() const {
        int width = row_indent - gap;
        for (const Column& column : columns_) width += column.width + gap;
        return width - style_.width;
    }
    static void fit(Column& column, const std::vector<Row>& rows) {
        column.width = columns(column.title);
        for (const Row& row : rows) column.width = std::max(column.width, columns(row.*column.text));
    }
    void use(std::string Row::*text, std::string Row::*instead, const std::vector<Row>& rows) {
        for (Column& column : columns_) {
            if (column.text != text) continue;
            column.text = instead;
            fit(column, rows);
        }
    }
    void shrink(std::string Row::*text, int least) {
        for (Column& column : columns_)
            if (column.text == text && too_wide() > 0)
                column.width = std::max(column.width - too_wide(), std::min(column.width, least));
    }

    template <typename Cell>
    void line(fmt::memory_buffer& out, Cell cell) const {
        fmt::format_to(std::back_inserter(out), "{:{}}", "", row_indent);
        for (const Column& column : columns_) {
            const bool last = &column == &columns_.back();
            const auto [text, tone] = cell(column);
            paint_cell(out, style_, tone, text, column.width, column.align);
            if (!last) fmt::format_to(std::back_inserter(out), "{:{}}", "", gap);
        }
        end_line(out);
    }

    const Style& style_;
    std::vector<Column> columns_{{"process", &Row::process, Align::left},   {"type", &Row::type, Align::left},
                                 {"protocol", &Row::protocol, Align::left}, {"interface", &Row::interface, Align::left},
                                 {"state", &Row::state, Align::left},       {"inode", &Row::ino, Align::right},
                                 {"packets", &Row::packets, Align::right},  {"drops", &Row::drops, Align::right}};
};

// A line beneath a row, with its label before it; longer text goes on below itself.
void append_detail(fmt::memory_buffer& out, const Style& style, std::string_view label, std::string_view text) {
    if (text.empty()) return;
    constexpr int indent = label_indent + label_width;
    for (const std::string_view line : wrapped(text, style.width - indent)) {
        fmt::format_to(std::back_inserter(out), "{:{}}", "", label_indent);
        paint_cell(out, style, Tone::dim, std::exchange(label, ""), label_width);
        out.append(line);
        end_line(out);
    }
}

std::string descriptors_text(const SystemSocket& socket, bool with_names, const Style& style) {
    std::string text;
    for (const SocketHolder& holder : socket.holders) {
        if (!text.empty()) text += "; ";
        if (with_names) text += holder_text(holder, style) + " ";
        text += fds_text(holder);
    }
    return text;
}

void append_holders(fmt::memory_buffer& out, const Row& row, const Table& table, const Style& style,
                    bool without_packet_diag) {
    const SystemSocket& socket = *row.socket;
    const bool lacks_inode = table.lacks(&Row::ino, row);
    if (socket.holders.empty()) {
        append_detail(out, style, "held by", unheld_text(socket, without_packet_diag));
        if (lacks_inode) append_detail(out, style, "inode", row.ino);
        return;
    }
    const bool with_names = socket.holders.size() > 1 || table.lacks(&Row::process, row);
    append_detail(out, style, "open as",
                  descriptors_text(socket, with_names, style) + (lacks_inode ? "; inode " + row.ino : ""));
}

void append_details(fmt::memory_buffer& out, const Row& row, const Table& table, const Style& style,
                    bool without_packet_diag) {
    const SystemSocket& socket = *row.socket;
    const sr_socket_entry& entry = socket.entry;
    append_holders(out, row, table, style, without_packet_diag);
    if (table.lacks(&Row::interface, row)) append_detail(out, style, "interface", row.interface);
    if (socket.source == Source::proc) {
        append_detail(out, style, "buffers", fmt::format("receive {} bytes used", entry.rmem_alloc));
        return;
    }
    if (entry.rx_ring.block_nr) append_detail(out, style, "RX ring", ring_text(entry, entry.rx_ring));
    if (entry.tx_ring.block_nr) append_detail(out, style, "TX ring", ring_text(entry, entry.tx_ring));
    if (entry.flags & SR_PACKET_FANOUT) append_detail(out, style, "fanout", fanout_text(socket));
    append_detail(out, style, "options", options_text(socket));
    append_detail(out, style, "buffers",
                  fmt::format("receive {} of {} bytes used, send {} of {}", entry.rmem_alloc, entry.rcvbuf,
                              entry.wmem_alloc, entry.sndbuf));
    if (entry.tp_freeze_q_cnt)
        append_detail(out, style, "frozen", count_of(entry.tp_freeze_q_cnt, "time") + ", no block was free");
    if (socket.source == Source::socket) return;
    if (entry.sk_drops && counts_packets(entry))
        append_detail(out, style, "dropped",
                      count_of(entry.sk_drops, "frame") + " since the start: no room in the receive buffer");
    append_detail(out, style, "unknown", unknown_text(socket));
}

void append_summary(fmt::memory_buffer& out, const SystemSockets& found, const Style& style) {
    std::set<std::uint32_t> namespaces;
    std::size_t unheld = 0;
    for (const SystemSocket& socket : found.sockets) {
        namespaces.insert(socket.entry.netns_ino);
        unheld += socket.holders.empty();
    }
    paint(out, style, Tone::bold, "PACKET SOCKETS");
    fmt::format_to(std::back_inserter(out), "  {} in {}", found.sockets.size(),
                   count_of(namespaces.size(), "network namespace"));
    if (unheld) {
        out.append(std::string_view(", "));
        paint(out, style, Tone::warning, fmt::format("{} held by no process", unheld));
    }
    end_line(out);
}

}  // namespace

void append_sockets_text(fmt::memory_buffer& out, const SystemSockets& found, const Style& style) {
    append_summary(out, found, style);
    std::vector<Row> rows;
    for (const SystemSocket& socket : found.sockets) rows.push_back(make_row(socket, style));
    const Table table(rows, style);
    const SystemSocket* before = nullptr;
    for (const Row& row : rows) {
        const std::uint32_t netns = row.socket->entry.netns_ino;
        if (!before || before->entry.netns_ino != netns) {
            end_line(out);
            paint(out, style, Tone::bold, fmt::format("NETNS {}", netns));
            if (netns == found.own_netns) out.append(std::string_view("  sockray's own"));
            if (!found.compared.contains(netns))
                out.append(std::string_view("  no process in it and no name: sockets that none holds are not seen"));
            end_line(out);
            table.header(out);
        }
        before = row.socket;
        table.row(out, row);
        append_details(out, row, table, style, found.without_packet_diag);
    }
}

}  // namespace sockray
