#include "tests/vm/cases.h"

#include <net/if.h>

#include "tests/vm/kernel.h"
#include "tests/vm/network.h"

namespace sockray::vm {
namespace {

struct Case {
    const char* name;
    const char* words;
};

constexpr Case all_cases[] = {
    // sockets
    {"raw_arp", "--type raw --protocol 0x0806 --bind veth0 --method send"},
    {"dgram_ip", "--type dgram --protocol 0x0800 --to veth0"},
    {"spkt", "--type packet --protocol 0x0003 --to veth0"},
    {"eperm", "--uid 65534"},
    {"esocktnosupport", "--type seqpacket"},
    // ways in
    {"sendto", "--to veth0"},
    {"send", "--bind veth0 --method send"},
    {"sendmsg", "--to veth0 --method sendmsg"},
    {"sendmmsg", "--to veth0 --method sendmmsg --batch 5"},
    {"write", "--bind veth0 --method write"},
    {"writev", "--bind veth0 --method writev"},
    {"sendfile", "--bind veth0 --method sendfile"},
    {"ring", "--bind veth0 --method ring --batch 6"},
    {"bypass", "--to veth0 --bypass"},
    // refusals
    {"enxio_unbound", "--method send"},
    {"enxio_index", "--to-index 4242"},
    {"enetdown", "--to vdown0"},
    {"emsgsize", "--to veth0 --length 1515"},
    {"emsgsize_dgram", "--type dgram --to veth0 --length 1501"},
    {"fits", "--to veth0 --length 1514"},
    {"einval_address", "--to veth0 --address-length 10"},
    {"einval_short", "--to veth0 --length 10"},
    {"einval_dgram", "--type dgram --bind veth0 --method send"},
    {"spkt_enotconn", "--type packet --method send"},
    {"spkt_enodev", "--type packet --to nosuch"},
    {"spkt_emsgsize", "--type packet --to veth0 --length 1600"},
    {"spkt_enetdown", "--type packet --to vdown0"},
    {"efault", "--to veth0 --unmapped"},
    {"nofcs", "--to veth0 --nofcs"},
    {"enetdown_bound", "--protocol 0x88b5 --bind vdown0 --to veth0"},  // packet_do_bind keeps the error
    {"emsgsize_vlan", "--to veth0 --length 1519 --ethertype 0x8100"},
    {"fits_vlan", "--to veth0 --length 1518 --ethertype 0x8100"},
    {"many_pages", "--to vbig0 --length 80000"},
    {"ring_many_pages", "--bind vbig0 --method ring --batch 1 --length 80000"},
    {"einval_cmsg", "--to veth0 --method sendmsg --cmsg 9999"},
    {"cmsg_or_vnet", "--to veth0 --method sendmsg --cmsg 36 --vnet 00000f27000000000000"},  // SO_MARK
    {"spkt_cmsg", "--type packet --to veth0 --method sendmsg --cmsg 9999"},
    {"einval_empty", "--to vtun0 --length 0"},
    {"ring_malformed", "--bind veth0 --method ring --batch 3 --malformed 2"},
    {"ring_losing", "--bind veth0 --method ring --batch 6 --losing --malformed 0,2,3,5"},
    // queues
    {"enobufs", "--to vtiny0 --length 1000 --count 12"},
    {"eagain", "--to vslow0 --length 1400 --count 12 --sndbuf 1 --dontwait"},
    {"spkt_enobufs", "--type packet --to vslow0 --length 1400 --count 12 --sndbuf 1"},
    {"peer_down", "--to vpeer0 --count 3"},
    {"peer_down_past", "--to vpeer0 --bypass --count 3"},
    {"egress", "--to vegr0 --count 3"},
    {"netfilter", "--to vnft0 --count 3"},
    {"netfilter_past", "--to vnft0 --bypass --count 3"},
    {"netfilter_ring", "--bind vnft0 --method ring --bypass --count 3"},
    {"peer_mtu", "--to vmtu0 --length 1400 --count 3"},
    {"peer_mtu_past", "--to vmtu0 --length 1400 --bypass --count 3"},
};

}  // namespace

Cases run_cases(const Arguments& options) {
    const VethPair down("vdown", false, false);
    const VethPair peer_down("vpeer", true, false);
    const VethPair slow("vslow");
    const VethPair tiny("vtiny");
    const VethPair small_peer("vmtu");
    const VethPair egress("vegr");
    const VethPair netfilter("vnft");
    configure("ip link set vmtu1 mtu 1000");
    configure("nft add table netdev filter");
    configure("nft add chain netdev filter out '{ type filter hook egress device vnft0 priority 0; policy drop; }'");
    configure("tc qdisc add dev vegr0 clsact");
    configure("tc filter add dev vegr0 egress matchall action drop");
    slow.set_qdisc("tbf rate 1kbit burst 1600 limit 200000");  // a frame every eleven seconds
    tiny.set_qdisc("tbf rate 1kbit burst 1600 limit 1700");    // one frame leaves at once, one waits for seconds
    configure("ip link add vbig0 type dummy");
    configure("ip link set vbig0 mtu 100000 up");
    configure("ip tuntap add vtun0 mode tun");
    configure("ip link set vtun0 up");

    const std::string report = scratch("cases") + "/report";
    std::string script;
    for (const Case& one : all_cases) script += sender_line(report, one.name, one.words) + "\n";
    Cases cases{
        trace_command(options, {"sh", "-c", script}), {}, device_count("vmtu0").tx_dropped, ::if_nametoindex("vdown0")};
    cases.answers = read_answers(report);
    configure("ip link del vbig0");
    configure("ip link del vtun0");
    return cases;
}

SendLine Cases::send(const std::string& name) const {
    const std::vector<SendLine> found = sends(name);
    EXPECT_FALSE(found.empty()) << "no send of the case " << name << "\n" << shown(traced.run);
    return found.empty() ? SendLine{} : found.front();
}

Json Cases::socket(const std::string& name) const {
    const std::vector<Json> found = traced.recording.sockets_of(name);
    EXPECT_EQ(found.size(), 1U) << "sockets of the case " << name << "\n" << shown(traced.run);
    return found.empty() ? Json::object() : found.front();
}

const Cases& cases() {
    static const Cases once = run_cases({});
    return once;
}

}  // namespace sockray::vm
