#include "user/drive/rtnetlink.h"

#include <linux/ipv6.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <span>

#include "user/base/fd.h"
#include "user/base/netlink.h"

namespace sockray {
namespace {

struct Request {
    nlmsghdr header;
    ifinfomsg info;
    rtattr name_head;
    char name[IFNAMSIZ];
};
static_assert(offsetof(Request, name) == NLMSG_LENGTH(sizeof(ifinfomsg)) + RTA_LENGTH(0));

Request getlink_request(int ifindex, const std::string& name) {
    Request request{};
    request.header.nlmsg_type = RTM_GETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.info.ifi_index = ifindex;
    request.header.nlmsg_len = NLMSG_LENGTH(sizeof request.info);
    if (ifindex == 0) {
        const std::size_t length = name.copy(request.name, IFNAMSIZ - 1);
        request.name_head.rta_type = IFLA_IFNAME;
        request.name_head.rta_len = static_cast<unsigned short>(RTA_LENGTH(length + 1));
        request.header.nlmsg_len += RTA_ALIGN(request.name_head.rta_len);
    }
    return request;
}

// Copies an attribute that may be shorter (an older kernel) or longer (a newer one) than what it goes into.
void copy_attribute(const rtattr* attribute, void* to, std::size_t size) {
    std::memcpy(to, RTA_DATA(attribute), std::min<std::size_t>(size, RTA_PAYLOAD(attribute)));
}

const rtattr* find_attribute(const rtattr* outer, int type) {
    std::size_t left = RTA_PAYLOAD(outer);
    for (auto* one = static_cast<const rtattr*>(RTA_DATA(outer)); RTA_OK(one, left); one = RTA_NEXT(one, left))
        if ((one->rta_type & NLA_TYPE_MASK) == type) return one;
    return nullptr;
}

// A link without IPv6 has nothing under AF_INET6 (net/ipv6/addrconf.c, inet6_fill_link_af).
bool has_ipv6(const rtattr* af_spec) {
    const rtattr* inet6 = find_attribute(af_spec, AF_INET6);
    const rtattr* conf = inet6 ? find_attribute(inet6, IFLA_INET6_CONF) : nullptr;
    if (!conf) return false;
    std::array<std::int32_t, DEVCONF_DISABLE_IPV6 + 1> values{};
    copy_attribute(conf, values.data(), sizeof values);
    return values[DEVCONF_DISABLE_IPV6] == 0;
}

void read_attribute(const rtattr* attribute, Link& link) {
    switch (attribute->rta_type) {
        case IFLA_IFNAME: {
            const auto* name = static_cast<const char*>(RTA_DATA(attribute));
            link.name.assign(name, ::strnlen(name, RTA_PAYLOAD(attribute)));
            break;
        }
        case IFLA_MTU: copy_attribute(attribute, &link.mtu, sizeof link.mtu); break;
        case IFLA_ADDRESS:
            link.address_len = RTA_PAYLOAD(attribute);
            copy_attribute(attribute, link.address.data(), link.address.size());
            break;
        case IFLA_NUM_TX_QUEUES: copy_attribute(attribute, &link.tx_queues, sizeof link.tx_queues); break;
        case IFLA_AF_SPEC: link.ipv6 = has_ipv6(attribute); break;
        case IFLA_STATS64: copy_attribute(attribute, &link.stats, sizeof link.stats); break;
        default: break;
    }
}

// Reads the one message of an answer of `size` bytes.
int read_answer(const nlmsghdr* message, std::size_t size, Link& link) {
    if (!NLMSG_OK(message, size)) return EBADMSG;
    if (message->nlmsg_type == NLMSG_ERROR) return netlink_error(message);
    if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) return EBADMSG;
    const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
    link.ifindex = info->ifi_index;
    link.type = info->ifi_type;
    link.flags = info->ifi_flags;
    std::size_t left = IFLA_PAYLOAD(message);
    for (const rtattr* attribute = IFLA_RTA(info); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
        read_attribute(attribute, link);
    return 0;
}

}  // namespace

namespace {

void read_stats(const rtattr* stats, Qdisc& qdisc) {
    std::size_t left = RTA_PAYLOAD(stats);
    bool wide = false;  // TCA_STATS_PKT64 comes where the number no longer fits the basic one
    for (auto* one = static_cast<const rtattr*>(RTA_DATA(stats)); RTA_OK(one, left); one = RTA_NEXT(one, left)) {
        if (one->rta_type == TCA_STATS_BASIC) {
            gnet_stats_basic basic{};
            copy_attribute(one, &basic, sizeof basic);
            qdisc.bytes = basic.bytes;
            if (!wide) qdisc.packets = basic.packets;
        } else if (one->rta_type == TCA_STATS_PKT64) {
            copy_attribute(one, &qdisc.packets, sizeof qdisc.packets);
            wide = true;
        } else if (one->rta_type == TCA_STATS_QUEUE) {
            copy_attribute(one, &qdisc.queue, sizeof qdisc.queue);
        }
    }
}

// The index of the device that it is at the root of, 0 for any other message.
int read_root_qdisc(const nlmsghdr* message, Qdisc& qdisc) {
    if (message->nlmsg_type != RTM_NEWQDISC || message->nlmsg_len < NLMSG_LENGTH(sizeof(tcmsg))) return 0;
    const auto* info = static_cast<const tcmsg*>(NLMSG_DATA(message));
    if (info->tcm_parent != TC_H_ROOT) return 0;
    qdisc = {};
    qdisc.handle = info->tcm_handle;
    std::size_t left = TCA_PAYLOAD(message);
    for (const rtattr* attribute = TCA_RTA(info); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == TCA_KIND) {
            const auto* kind = static_cast<const char*>(RTA_DATA(attribute));
            qdisc.kind.assign(kind, ::strnlen(kind, RTA_PAYLOAD(attribute)));
        } else if (attribute->rta_type == TCA_STATS2) {
            read_stats(attribute, qdisc);
        }
    }
    return info->tcm_ifindex;
}

// All that there are. Asks anew where some came or went meanwhile; on a busy host of containers they may do that for
// ever: then the last answer is there, and EAGAIN. Returns 0, or the positive errno.
template <typename Info, typename All>
int dump(std::uint16_t type, All& all, const std::function<void(const nlmsghdr*)>& take) {
    constexpr int most = 5;
    const Info any{};
    int error = EAGAIN;
    for (int i = 0; i < most && error == EAGAIN; i++) {
        all.clear();
        error = netlink_dump(NETLINK_ROUTE, type, std::as_bytes(std::span(&any, 1)), take);
    }
    return error;
}

}  // namespace

int get_root_qdiscs(std::vector<std::pair<int, Qdisc>>& qdiscs) {
    return dump<tcmsg>(RTM_GETQDISC, qdiscs, [&](const nlmsghdr* message) {
        Qdisc qdisc;
        if (const int ifindex = read_root_qdisc(message, qdisc)) qdiscs.emplace_back(ifindex, std::move(qdisc));
    });
}

// Of all devices: one alone would be answered by a notification to everybody (net/sched/sch_api.c, qdisc_notify).
int get_root_qdisc(int ifindex, Qdisc& qdisc) {
    std::vector<std::pair<int, Qdisc>> all;
    if (const int error = get_root_qdiscs(all)) return error;
    for (auto& [index, one] : all) {
        if (index != ifindex) continue;
        qdisc = std::move(one);
        return 0;
    }
    return ENOENT;
}

int get_links(std::vector<Link>& links) {
    return dump<ifinfomsg>(RTM_GETLINK, links, [&](const nlmsghdr* message) {
        Link link;
        if (read_answer(message, message->nlmsg_len, link) == 0) links.push_back(std::move(link));
    });
}

int get_link(int ifindex, const std::string& name, Link& link) {
    const Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd) return errno;
    const Request request = getlink_request(ifindex, name);
    if (::send(fd.get(), &request, request.header.nlmsg_len, 0) < 0) return errno;
    // A link's answer takes about 2 KB (its virtual functions are left out unless asked for).
    alignas(nlmsghdr) char answer[32768];
    ssize_t size = 0;
    do size = ::recv(fd.get(), answer, sizeof answer, 0);
    while (size < 0 && errno == EINTR);
    if (size < 0) return errno;
    return read_answer(reinterpret_cast<const nlmsghdr*>(answer), static_cast<std::size_t>(size), link);
}

}  // namespace sockray
