#include "user/drive/interface.h"

#include <linux/if_ether.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <unordered_map>
#include <utility>

#include "user/base/format.h"
#include "user/base/netns.h"
#include "user/drive/rtnetlink.h"

namespace sockray {
namespace {

constexpr std::size_t shown_name_bytes = 64;
constexpr int shown_interfaces = 20;

// What dev_valid_name() refuses (net/core/dev.c), and NUL, which would end the name early.
bool has_refused_byte(std::string_view name) {
    return std::any_of(name.begin(), name.end(), [](char c) {
        return c == '/' || c == ':' || c == ' ' || c == '\0' || (c >= '\t' && c <= '\r');
    });
}

Status check_name(std::string_view name) {
    if (name.empty()) return usage("the interface's name is empty", "give one, for example -i lo");
    if (name.size() >= IFNAMSIZ)
        return usage(fmt::format("'{}' is no interface's name: it has {} bytes, a name has at most {}",
                                 printable_name(name), name.size(), IFNAMSIZ - 1));
    if (name == "." || name == ".." || has_refused_byte(name))
        return usage(
            fmt::format("'{}' is no interface's name: names have no '/', ':' or white space in them and "
                        "are not '.' or '..'",
                        printable_name(name)));
    return {};
}

std::string names_here() {
    const std::unique_ptr<struct if_nameindex, decltype(&::if_freenameindex)> all(::if_nameindex(),
                                                                                  &::if_freenameindex);
    std::string names;
    int count = 0;
    for (const auto* entry = all.get(); entry && entry->if_index != 0; ++entry) {
        if (++count > shown_interfaces) continue;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", printable_name(entry->if_name));
    }
    if (count > shown_interfaces) names += fmt::format(" and {} more", count - shown_interfaces);
    return names.empty() ? "none" : names;
}

tl::unexpected<Error> link_error(std::string_view name, int err, std::string_view elsewhere) {
    if (err == ENODEV)
        return fail(fmt::format("no interface '{}' here; there are: {}", printable_name(name), names_here()),
                    fmt::format("choose one of these, or {}", elsewhere));
    return fail(fmt::format("cannot ask the kernel about interface '{}' (rtnetlink, RTM_GETLINK): {}",
                            printable_name(name), errno_text(err)));
}

bool has_ethernet_header(std::uint16_t type) {
    return type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK;
}

}  // namespace

std::string printable_name(std::string_view name) {
    std::string shown;
    for (const char c : name.substr(0, shown_name_bytes)) {
        if (c >= ' ' && c <= '~')
            shown += c;
        else
            shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    if (name.size() > shown_name_bytes) shown += "...";
    return shown;
}

Result<Interface> find_interface(std::string_view name, std::string_view elsewhere) {
    if (Status valid = check_name(name); !valid) return tl::unexpected(valid.error());
    Link link;
    if (const int err = get_link(0, std::string(name), link)) return link_error(name, err, elsewhere);
    const Result<std::uint32_t> netns = current_netns();
    if (!netns) return tl::unexpected(netns.error());

    Interface interface;
    interface.name = link.name;
    interface.ifindex = link.ifindex;
    interface.mtu = link.mtu;
    interface.flags = link.flags;
    interface.netns_ino = *netns;
    interface.type = link.type;
    interface.hard_header_len = has_ethernet_header(link.type) ? ETH_HLEN : 0;
    if (link.address_len == interface.address.size())
        std::copy_n(link.address.begin(), interface.address.size(), interface.address.begin());
    return interface;
}

Status check_usable(const Interface& interface) {
    if (interface.flags & IFF_UP) return {};
    const std::string name = printable_name(interface.name);
    return fail(fmt::format("{} is down", name), fmt::format("bring it up with: ip link set {} up", name));
}

namespace {

DeviceCounters counters_of(const Link& link) {
    const rtnl_link_stats64& stats = link.stats;
    return DeviceCounters{.tx_packets = stats.tx_packets,
                          .tx_bytes = stats.tx_bytes,
                          .tx_dropped = stats.tx_dropped,
                          .tx_errors = stats.tx_errors,
                          .rx_packets = stats.rx_packets,
                          .rx_bytes = stats.rx_bytes,
                          .rx_dropped = stats.rx_dropped,
                          .rx_errors = stats.rx_errors,
                          .tx_queues = link.tx_queues,
                          .ipv6 = link.ipv6};
}

QdiscCounters counters_of(const Qdisc& qdisc) {
    return QdiscCounters{.kind = qdisc.kind,
                         .handle = qdisc.handle,
                         .packets = qdisc.packets,
                         .bytes = qdisc.bytes,
                         .drops = qdisc.queue.drops,
                         .requeues = qdisc.queue.requeues,
                         .overlimits = qdisc.queue.overlimits,
                         .qlen = qdisc.queue.qlen};
}

}  // namespace

Result<DeviceCounters> read_counters(const Interface& interface) {
    Link link;
    if (const int err = get_link(interface.ifindex, {}, link))
        return link_error(interface.name, err, enter_its_namespace);
    return counters_of(link);
}

Result<QdiscCounters> read_qdisc_counters(const Interface& interface) {
    Qdisc qdisc;
    if (const int err = get_root_qdisc(interface.ifindex, qdisc))
        return fail(fmt::format("cannot ask the kernel about the qdisc of '{}' (rtnetlink, RTM_GETQDISC): {}",
                                printable_name(interface.name), errno_text(err)));
    return counters_of(qdisc);
}

Result<std::optional<DeviceReading>> read_device(const Interface& interface) {
    Link link;
    if (const int err = get_link(interface.ifindex, {}, link)) {
        if (err == ENODEV) return std::nullopt;
        return link_error(interface.name, err, enter_its_namespace);
    }
    DeviceReading reading{interface, counters_of(link), std::nullopt};
    if (Qdisc qdisc; get_root_qdisc(interface.ifindex, qdisc) == 0) reading.qdisc = counters_of(qdisc);
    return reading;
}

Result<std::vector<DeviceReading>> read_all_counters() {
    const Result<std::uint32_t> netns = current_netns();
    if (!netns) return tl::unexpected(netns.error());
    std::vector<Link> links;
    if (const int err = get_links(links); err && err != EAGAIN)
        return fail(
            fmt::format("cannot ask the kernel about its interfaces (rtnetlink, RTM_GETLINK): {}", errno_text(err)));
    std::vector<std::pair<int, Qdisc>> qdiscs;
    get_root_qdiscs(qdiscs);  // without them the devices' own counters are what there is
    std::vector<DeviceReading> all;
    std::unordered_map<int, std::size_t> places;
    for (const Link& link : links) {
        places[link.ifindex] = all.size();
        DeviceReading& one = all.emplace_back();
        one.interface.name = link.name;
        one.interface.ifindex = link.ifindex;
        one.interface.netns_ino = *netns;
        one.counters = counters_of(link);
    }
    for (const auto& [ifindex, qdisc] : qdiscs)
        if (const auto place = places.find(ifindex); place != places.end())
            all[place->second].qdisc = counters_of(qdisc);
    return all;
}

}  // namespace sockray
