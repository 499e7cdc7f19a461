#include "user/probe/packet_sockets.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "user/base/format.h"
#include "user/base/netns.h"
#include "user/probe/live_kernel.h"
#include "user/probe/packet_diag.h"
#include "user/probe/socket_reader.h"

namespace sockray {
namespace {

// The holder that the record names, and its descriptor.
void add_holder(std::vector<SocketHolder>& holders, const sr_socket_entry& entry) {
    auto holder = std::ranges::find(holders, entry.pid, &SocketHolder::pid);
    if (holder == holders.end()) holder = holders.insert(holder, {entry.pid, entry.comm, {}});
    const auto place = std::ranges::lower_bound(holder->fds, entry.fd);
    if (place == holder->fds.end() || *place != entry.fd) holder->fds.insert(place, entry.fd);
}

template <typename T>
std::optional<T> number(std::string_view word, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return value;
}

// The first words of a line; how many there are.
template <std::size_t N>
std::size_t split(std::string_view line, std::array<std::string_view, N>& words) {
    constexpr std::string_view blanks = " \t";
    std::size_t count = 0;
    for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos && count < N;
         at = line.find_first_not_of(blanks, at)) {
        const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
        words[count++] = line.substr(at, end - at);
        at = end;
    }
    return count;
}

// "sk RefCnt Type Proto Iface R Rmem User Inode"
std::optional<SystemSocket> parse_line(std::string_view line, std::uint32_t netns) {
    std::array<std::string_view, 9> words;
    if (split(line, words) != words.size()) return std::nullopt;
    const auto type = number<std::uint16_t>(words[2]);
    const auto protocol = number<std::uint16_t>(words[3], 16);
    const auto ifindex = number<std::int32_t>(words[4]);
    const auto running = number<int>(words[5]);
    const auto rmem = number<std::uint32_t>(words[6]);
    const auto uid = number<std::uint32_t>(words[7]);
    const auto ino = number<std::uint64_t>(words[8]);
    if (!type || !protocol || !ifindex || !running || !rmem || !uid || !ino) return std::nullopt;
    SystemSocket socket;
    socket.source = Source::proc;
    socket.memberships_known = socket.filter_known = false;
    socket.entry.ino = *ino;
    socket.entry.netns_ino = netns;
    socket.entry.sock_type = *type;
    socket.entry.protocol = htons(*protocol);
    socket.entry.ifindex = *ifindex;
    socket.entry.flags = *running ? SR_PACKET_RUNNING : 0;
    socket.entry.uid = *uid;
    socket.entry.rmem_alloc = *rmem;
    return socket;
}

std::uint32_t inode_of(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? static_cast<std::uint32_t>(info.st_ino) : 0;
}

struct Namespace {
    std::string path;  // a file by which it can be entered
    std::vector<SystemSocket> sockets;
};
using Listed = std::map<std::uint32_t, Namespace>;  // by the namespace's inode

// What the kernel lists in the namespace of the process or thread, a folder in /proc.
bool list_sockets(const std::string& process, std::uint32_t netns, const std::string& path, Listed& listed) {
    std::ifstream file(process + "/net/packet");
    if (!file) return false;
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    listed.emplace(netns, Namespace{path, parse_proc_net_packet(text, netns)});
    return true;
}

void list_process(const std::string& process, Listed& listed) {
    const std::string path = process + "/ns/net";
    const std::uint32_t netns = inode_of(path);
    if (netns != 0 && !listed.contains(netns)) (void)list_sockets(process, netns, path, listed);
}

// One that `ip netns` named; nobody need be in it.
void list_named(const std::string& path, Listed& listed) {
    if (listed.contains(inode_of(path))) return;
    (void)within_netns(path, [&] {
        if (const auto netns = current_netns()) (void)list_sockets("/proc/thread-self", *netns, path, listed);
    });
}

// What the kernel lists in each network namespace that a visible process is in or that has a name.
Listed read_proc() {
    Listed listed;
    list_process("/proc/self", listed);
    std::error_code error;
    for (std::filesystem::directory_iterator next("/proc", error), end; !error && next != end; next.increment(error))
        if (number<std::uint32_t>(next->path().filename().native())) list_process(next->path(), listed);
    error.clear();
    for (std::filesystem::directory_iterator next("/run/netns", error), end; !error && next != end;
         next.increment(error))
        list_named(next->path(), listed);
    return listed;
}

using Key = std::pair<std::uint32_t, std::uint64_t>;

Key key_of(const SystemSocket& socket) {
    return {socket.entry.netns_ino, socket.entry.ino};
}

// Those that were listed before the open files were visited and still are, and are behind none of them.
void add_unheld(SystemSockets& found, const Listed& before, const Listed& after) {
    std::set<Key> known;
    std::set<Key> remained;
    for (const SystemSocket& socket : found.sockets) known.insert(key_of(socket));
    for (const auto& [netns, there] : after)
        for (const SystemSocket& socket : there.sockets) remained.insert(key_of(socket));
    for (const auto& [netns, there] : before) {
        found.compared.insert(netns);
        for (const SystemSocket& socket : there.sockets)
            if (!known.contains(key_of(socket)) && remained.contains(key_of(socket))) found.sockets.push_back(socket);
    }
}

// Of the calling thread's namespace. What cannot be asked for stays unknown.
int ask_here(std::span<SystemSocket* const> sockets) {
    const int error = ask_packet_diag(sockets);
    for (SystemSocket* socket : sockets)
        if (socket->entry.ifindex > 0)
            ::if_indextoname(static_cast<unsigned>(socket->entry.ifindex), socket->entry.ifname);
    return error;
}

// Asks the kernel of those that only /proc has told of, in their own namespaces: only these are entered.
void ask_of_unheld(SystemSockets& found, const Listed& listed) {
    std::map<std::uint32_t, std::vector<SystemSocket*>> unheld;
    for (SystemSocket& socket : found.sockets)
        if (socket.source == Source::proc) unheld[socket.entry.netns_ino].push_back(&socket);
    for (const auto& [netns, sockets] : unheld) {
        int error = 0;
        if (netns == found.own_netns)
            error = ask_here(sockets);
        else
            (void)within_netns(listed.at(netns).path, [&error, &sockets = sockets, inode = netns] {
                if (current_netns() == inode) error = ask_here(sockets);  // the process may be another one by now
            });
        if (error == ENOENT) found.without_packet_diag = true;
    }
}

}  // namespace

std::vector<SystemSocket> group_by_socket(std::span<const sr_socket_entry> entries, const KernelNames& names) {
    std::vector<SystemSocket> sockets;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> places;  // an address can be used again
    for (const sr_socket_entry& entry : entries) {
        const auto [place, is_new] = places.try_emplace({entry.ino, entry.sk}, sockets.size());
        if (is_new) {
            SystemSocket socket;
            socket.entry = entry;
            if (entry.xmit) socket.xmit = names.symbol(entry.xmit);
            socket.vnet_hdr = entry.vnet_hdr_sz != 0;
            socket.qdisc_bypass = entry.flags & SR_PACKET_QDISC_BYPASS || socket.xmit == "packet_direct_xmit";
            sockets.push_back(std::move(socket));
        }
        add_holder(sockets[place->second].holders, entry);
    }
    for (SystemSocket& socket : sockets) std::ranges::sort(socket.holders, {}, &SocketHolder::pid);
    return sockets;
}

std::vector<SystemSocket> parse_proc_net_packet(std::string_view text, std::uint32_t netns) {
    std::vector<SystemSocket> sockets;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (auto socket = parse_line(text.substr(0, end), netns)) sockets.push_back(std::move(*socket));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return sockets;
}

Result<SystemSockets> read_packet_sockets(LiveKernel& kernel) {
    SystemSockets found;
    found.own_netns = inode_of("/proc/self/ns/net");
    const Listed before = read_proc();
    auto reader = SocketReader::open(kernel, 1);
    if (!reader) return tl::unexpected(reader.error());
    const auto entries = reader->read();
    if (!entries) return tl::unexpected(entries.error());
    const Listed after = read_proc();
    found.sockets = group_by_socket(*entries, kernel);
    add_unheld(found, before, after);
    ask_of_unheld(found, after);
    std::ranges::sort(found.sockets, {}, [own = found.own_netns](const SystemSocket& socket) {
        const bool held = !socket.holders.empty();
        return std::tuple(socket.entry.netns_ino != own, socket.entry.netns_ino, !held,
                          held ? socket.holders[0].pid : 0, held ? socket.holders[0].fds[0] : 0, socket.entry.ino);
    });
    return found;
}

}  // namespace sockray
