// Symbol tables of made-up kernels, for the tests of the plan and of the check.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/format.h"
#include "user/probe/inlined.h"
#include "user/probe/kallsyms.h"

namespace sockray::sample {

using Names = std::vector<std::string>;

// Functions that every kernel of KERNELS.md has.
inline Names common_symbols() {
    return {"_stext",
            "__sock_create",
            "packet_create",
            "__sys_sendto",
            "__sys_sendmsg",
            "__sys_sendmmsg",
            "sock_write_iter",
            "sock_sendmsg",
            "packet_sendmsg",
            "packet_sendmsg.cold",
            "packet_rcv",
            "tpacket_rcv",
            "skb_copy_datagram_from_iter",
            "packet_sendmsg_spkt",
            "sock_alloc_send_pskb",
            "schedule_timeout",
            "__dev_queue_xmit",
            "__dev_direct_xmit",
            "packet_parse_headers",
            "dev_hard_start_xmit",
            "packet_ops"};
}

inline Names with(Names names, const Names& more) {
    names.insert(names.end(), more.begin(), more.end());
    return names;
}
inline Names without(Names names, std::string_view name) {
    std::erase(names, name);
    return names;
}

inline Names kernel_6_1() {
    return with(common_symbols(), {"sockfd_lookup_light", "__sock_sendmsg", "sockfd_lookup"});
}
inline Names kernel_6_12() {
    return with(common_symbols(), {"packet_xmit", "sockfd_lookup", "__pfx_packet_sendmsg"});
}

// 0xffffffff81000000, and 0x1000 more for each further name.
inline std::uint64_t address_of(const Names& names, std::string_view name) {
    const auto at = std::find(names.begin(), names.end(), name);
    return 0xffffffff81000000 + 0x1000 * static_cast<std::uint64_t>(at - names.begin());
}

inline Kallsyms symbols_of(const Names& names) {
    std::string text;
    for (const std::string& name : names) text += fmt::format("{:016x} t {}\n", address_of(names, name), name);
    return std::move(Kallsyms::parse(text)).value();
}

// As on 6.12.117 cloud-amd64.
inline Result<InlinedBodies> bodies() {
    return InlinedBodies{.packet_snd = 1547, .tpacket_snd = 74, .test = 55, .branch = 68};
}

}  // namespace sockray::sample
