#include "user/drive/rtnetlink.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "user/base/fd.h"

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
        case IFLA_STATS64: copy_attribute(attribute, &link.stats, sizeof link.stats); break;
        default: break;
    }
}

// Reads the one message of an answer of `size` bytes.
int read_answer(const nlmsghdr* message, std::size_t size, Link& link) {
    if (!NLMSG_OK(message, size)) return EBADMSG;
    if (message->nlmsg_type == NLMSG_ERROR) {
        if (message->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return EBADMSG;
        const int error = static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
        return error == 0 ? EBADMSG : -error;
    }
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
