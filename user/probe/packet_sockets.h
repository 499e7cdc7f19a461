// Every packet socket of the system, whoever opened it and in whatever network namespace, as the kernel has it.
//
// Found in two ways. bpf/sockets.bpf.c visits every open file of every task (of sockray's own pid namespace and those
// below it) and reads the socket itself. What a process holds by no descriptor (in flight over a Unix socket, kept by
// io_uring or by the kernel) is in /proc/net/packet, which says little of it; sock_diag says more where it is there.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/socket_entry.h"
#include "user/base/kernel_names.h"
#include "user/base/result.h"

namespace sockray {

class LiveKernel;

struct SocketHolder {
    std::uint32_t pid = 0;  // in the initial pid namespace
    std::string comm;
    std::vector<std::uint32_t> fds;  // ascending
};

// Where it is from what is known of a socket, and so what of `entry` holds.
enum class Source : std::uint8_t {
    // /proc/net/packet: ino, netns_ino, sock_type, protocol, ifindex, uid, rmem_alloc and SR_PACKET_RUNNING, and ifname
    // where it is set.
    proc,
    // These and what sock_diag tells: SR_PACKET_AUXDATA, _ORIGDEV, _LOSS, _FANOUT, tp_version, retire_blk_tov, the
    // rings, fanout_id and fanout_type, tp_tstamp, tp_reserve, copy_thresh, the buffers and sk_drops. Of a virtio-net
    // header only that there is one.
    sock_diag,
    socket,  // the socket itself: everything
};

struct SystemSocket {
    // What the kernel has. Its pid, fd and comm are those of one holder; `holders` has all.
    sr_socket_entry entry{};
    std::vector<SocketHolder> holders;  // by pid
    std::string xmit;                   // po->xmit by name; empty where the kernel has no such pointer
    bool qdisc_bypass = false;
    bool vnet_hdr = false;
    Source source = Source::socket;
    bool memberships_known = true;  // SR_PACKET_MORE_MEMBERS and memberships hold
    bool filter_known = true;       // SR_PACKET_FILTER holds
};

struct SystemSockets {
    std::vector<SystemSocket> sockets;  // own_netns first; in one namespace by pid, those that nobody holds last
    std::uint32_t own_netns = 0;        // inode of sockray's own network namespace
    std::set<std::uint32_t> compared;   // namespaces whose /proc/net/packet was read
    bool without_packet_diag = false;   // sock_diag was asked, and the kernel has no af_packet_diag
};

// Errors: not_allowed, with what the kernel answered; no packet_ops in kallsyms; records that make no sense.
Result<SystemSockets> read_packet_sockets(LiveKernel& kernel);

// ---- the steps of it that only compute

// One socket for all records of it. A descriptor that several records name counts once.
std::vector<SystemSocket> group_by_socket(std::span<const sr_socket_entry> entries, const KernelNames& names);

// The lines of a /proc/net/packet as sockets of Source::proc, ifname empty (net/packet/af_packet.c, packet_seq_show);
// what is no such line is left out. `netns`: the inode of the namespace that it is of.
std::vector<SystemSocket> parse_proc_net_packet(std::string_view text, std::uint32_t netns);

}  // namespace sockray
